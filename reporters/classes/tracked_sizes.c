/*
 * tracked_sizes - how large tracked objects are at a snapshot, with all that they lead to.
 *
 * What two objects lead to counts for the one that was allocated first; what is tracked itself counts for nobody else. Any aligned word that
 * points to or into a block leads there.
 */
#include "classes/tracked_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/array.h"

#define SIZES_MAX ((size_t)16 << 20) /* of objects at snapshots, and referents, that are kept */

struct graph {
	struct reading *x;
	const struct looked *look;
	struct tracked_snapshot *s;
	uint32_t *object; /* by block: + 1; 0: it is not tracked */
	uint8_t *seen;
	uint32_t *stack; /* blocks whose references are to be followed */
	uint32_t *tables; /* by type of the look: its name */
	bool wants_referents;
};

/* ---- one object ---- */

static uint64_t follow(struct graph *g, uint32_t block)
{
	const struct looked *const l = g->look;
	uint64_t size = 0;
	size_t depth = 0;

	g->stack[depth++] = block;
	while (depth) {
		const uint32_t at = g->stack[--depth];

		size += l->blocks[at].size;
		for (uint64_t k = l->first[at]; k < l->first[at + 1]; k++) {
			const uint32_t to = l->targets[k];

			if (g->seen[to] || g->object[to])
				continue;
			g->seen[to] = 1;
			g->stack[depth++] = to; /* once for each block */
		}
	}
	return size;
}

static uint32_t annotated(const struct graph *g, uint32_t block)
{
	struct heap_block b;

	if (!heap_find(g->x->heap, g->s->process, TRK_DOMAIN_HEAP, g->look->blocks[block].address, &b) || !b.user)
		return 0;
	return g->x->notes[b.user - 1].type;
}

static uint32_t name_of(struct graph *g, uint32_t block)
{
	const uint32_t type = g->look->verdicts[block].type;

	return tracked_name_of_block(g->x, annotated(g, block), g->look->blocks[block].node, type ? g->tables[type] : 0);
}

static struct tracked_referent *add_referent(struct graph *g, uint32_t block, uint32_t level)
{
	struct tracked *const t = g->x->t;

	if (t->referent_count == SIZES_MAX) {
		t->left_out++;
		return NULL;
	}
	if (!ARRAY_ROOM(t->referents, t->referent_room, t->referent_count + 1, 1024)) {
		g->x->no_memory = true;
		return NULL;
	}
	t->referents[t->referent_count] = (struct tracked_referent){ .name = name_of(g, block), .level = level };
	return &t->referents[t->referent_count++];
}

/* What the block leads to, with a referent for each block down to that level. */
static uint64_t grow(struct graph *g, uint32_t block, uint32_t level, uint32_t levels)
{
	const struct looked *const l = g->look;
	uint64_t size = l->blocks[block].size;

	for (uint64_t k = l->first[block]; k < l->first[block + 1]; k++) {
		const uint32_t to = l->targets[k];
		const size_t place = g->x->t->referent_count;
		uint64_t more;

		if (g->seen[to] || g->object[to])
			continue;
		g->seen[to] = 1;
		const bool added = add_referent(g, to, level) != NULL;

		more = level < levels ? grow(g, to, level + 1, levels) : follow(g, to);
		if (added)
			g->x->t->referents[place].size = more;
		size += more;
	}
	return size;
}

/* ---- branches in order ---- */

struct branch {
	size_t first, count;
	uint64_t size;
};

static int larger(const void *left, const void *right)
{
	const struct branch *const a = left, *const b = right;

	if (a->size != b->size)
		return a->size < b->size ? 1 : -1;
	return a->first < b->first ? -1 : 1;
}

/* The branches of that level among those behind `from`, the largest first, and so on below. `to` has room for all. */
static size_t put_sorted(const struct tracked_referent *from, size_t count, uint32_t level, uint64_t least, struct branch *room, struct tracked_referent *to)
{
	size_t branches = 0, put = 0;

	for (size_t i = 0; i < count; i++)
		if (from[i].level == level) {
			if (branches)
				room[branches - 1].count = i - room[branches - 1].first;
			room[branches++] = (struct branch){ i, 0, from[i].size };
		}
	if (!branches)
		return 0;
	room[branches - 1].count = count - room[branches - 1].first;
	qsort(room, branches, sizeof(*room), larger);
	for (size_t i = 0; i < branches && room[i].size * 1000 > least; i++) {
		to[put++] = from[room[i].first];
		put += put_sorted(from + room[i].first + 1, room[i].count - 1, level + 1, least, room + branches, to + put);
	}
	return put;
}

/* Those of at most 0.1 % of the whole are dropped. */
static void sort_referents(struct graph *g, size_t first, uint64_t whole)
{
	struct tracked *const t = g->x->t;
	const size_t count = t->referent_count - first;
	struct tracked_referent *const copy = malloc((count + 1) * sizeof(*copy));
	struct branch *const room = malloc((count + 1) * sizeof(*room));

	if (copy && room) {
		if (count)
			memcpy(copy, t->referents + first, count * sizeof(*copy));
		t->referent_count = first + put_sorted(copy, count, 1, whole, room, t->referents + first);
	}
	g->x->no_memory |= !copy || !room;
	free(copy);
	free(room);
}

/* ---- all objects ---- */

static void note_size(struct reading *x, struct tracked_snapshot *s, uint32_t object, uint64_t size, size_t first_referent)
{
	struct tracked *const t = x->t;
	struct tracked_object *const o = &t->objects[object];

	if (size > o->largest)
		o->largest = size;
	s->tracked_bytes += size;
	if (!t->wants_objects)
		return;
	if (t->size_count == SIZES_MAX) {
		t->left_out++;
		return;
	}
	if (!ARRAY_ROOM(t->sizes, t->size_room, t->size_count + 1, 1024)) {
		x->no_memory = true;
		return;
	}
	t->sizes[t->size_count++] = (struct tracked_size){ size, object, (uint32_t)(s - t->snapshots), 0, (uint32_t)first_referent, (uint32_t)(t->referent_count - first_referent) };
	if (o->last_size)
		t->sizes[o->last_size - 1].next = (uint32_t)t->size_count;
	else
		o->first_size = (uint32_t)t->size_count;
	o->last_size = (uint32_t)t->size_count;
}

static void count(struct reading *x, struct tracked_snapshot *s, uint32_t class, uint64_t size)
{
	const uint32_t snapshot = (uint32_t)(s - x->t->snapshots) + 1;
	struct sum_place *p;

	if (!ARRAY_ZEROES(x->sum_places, x->sum_place_room, class + 1, 64) || !ARRAY_ROOM(s->sums, s->sum_room, s->sum_count + 1, 16)) {
		x->no_memory = true;
		return;
	}
	p = &x->sum_places[class];
	if (p->snapshot != snapshot) {
		s->sums[s->sum_count++] = (struct tracked_sum){ .class = class };
		*p = (struct sum_place){ snapshot, s->sum_count };
	}
	s->sums[p->place - 1].active++;
	s->sums[p->place - 1].bytes += size;
}

static const struct tracked_object *sorted_objects; /* of by_birth */

static int by_birth(const void *left, const void *right)
{
	const struct tracked_object *const a = &sorted_objects[*(const uint32_t *)left], *const b = &sorted_objects[*(const uint32_t *)right];

	if (a->birth_ns != b->birth_ns)
		return a->birth_ns < b->birth_ns ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

/* The objects of the process that live, the oldest first; the caller's. NULL: no memory. */
static uint32_t *live_objects(struct reading *x, uint32_t process)
{
	const struct tracked_process *const p = &x->processes[process];
	uint32_t *const list = malloc(((size_t)p->live_count + 1) * sizeof(*list));

	if (!list) {
		x->no_memory = true;
		return NULL;
	}
	if (p->live_count)
		memcpy(list, p->live, p->live_count * sizeof(*list));
	sorted_objects = x->t->objects;
	qsort(list, p->live_count, sizeof(*list), by_birth);
	return list;
}

static void measure_alone(struct reading *x, struct tracked_snapshot *s)
{
	uint32_t *const list = live_objects(x, s->process);

	for (uint32_t i = 0; list && i < x->processes[s->process].live_count; i++) {
		const struct tracked_object *const o = &x->t->objects[list[i]];

		count(x, s, o->class, o->size);
		note_size(x, s, list[i], o->size, x->t->referent_count);
	}
	free(list);
}

static uint32_t block_at(const struct looked *l, uint64_t address)
{
	uint32_t low = 0, high = l->count;

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (l->blocks[middle].address < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low < l->count && l->blocks[low].address == address ? low : l->count;
}

static void measure_object(struct graph *g, uint32_t object)
{
	struct tracked *const t = g->x->t;
	const struct tracked_object *const o = &t->objects[object];
	const uint32_t block = block_at(g->look, o->address);
	const size_t first = t->referent_count;
	uint64_t size = o->size;

	if (block < g->look->count) {
		size = g->wants_referents && o->level ? grow(g, block, 1, o->level) : follow(g, block);
		sort_referents(g, first, size);
	}
	count(g->x, g->s, t->objects[object].class, size);
	note_size(g->x, g->s, object, size, first);
}

static void measure_all(struct graph *g)
{
	const struct tracked_process *const p = &g->x->processes[g->s->process];
	uint32_t *const list = live_objects(g->x, g->s->process);

	for (uint32_t i = 0; list && i < p->live_count; i++) {
		const uint32_t block = block_at(g->look, g->x->t->objects[list[i]].address);

		if (block < g->look->count)
			g->object[block] = list[i] + 1;
	}
	for (uint32_t i = 0; list && i < p->live_count; i++)
		measure_object(g, list[i]);
	free(list);
}

/* ---- classes that only virtual tables tell ---- */

static uint32_t bases_of(const struct graph *g, uint32_t type, uint32_t bases[LOOK_BASES_MAX])
{
	const char *at = g->look->bases[type - 1];
	char name[LOOK_LABEL_BYTES + 1];
	uint32_t n = 0;

	while (*at && n < LOOK_BASES_MAX) {
		const size_t bytes = strcspn(at, "\n");

		snprintf(name, sizeof(name), "%.*s", (int)bytes, at);
		bases[n++] = tracked_demangled(g->x, name);
		at += bytes + (at[bytes] == '\n');
	}
	return n;
}

/* A class that is tracked with those that are derived from it is shown by its own name. */
static uint32_t class_of(struct graph *g, uint32_t rule, uint32_t type)
{
	const struct tracked_rule *const r = &g->x->t->rules[rule];

	if (r->shown)
		return r->shown;
	return r->derived ? tracked_name(&g->x->t->names, r->pattern, strlen(r->pattern)) : g->tables[type];
}

static void find_objects(struct graph *g)
{
	const struct looked *const l = g->look;
	uint32_t bases[LOOK_BASES_MAX];

	for (uint32_t i = 0; i < l->count; i++) {
		const uint32_t type = l->verdicts[i].type;
		struct heap_block b;
		uint32_t rule;

		if (!type || l->verdicts[i].held == LOOK_NODE || !heap_find(g->x->heap, g->s->process, TRK_DOMAIN_HEAP, l->blocks[i].address, &b) ||
		    (b.user && g->x->notes[b.user - 1].object != NO_OBJECT) || annotated(g, i) || tracked_type_of_node(g->x, b.node))
			continue;
		rule = tracked_match(g->x, g->s->process, g->tables[type], bases, bases_of(g, type, bases));
		if (rule != NO_RULE && tracked_is_younger(g->x, rule, &b))
			(void)tracked_add(g->x, &b, class_of(g, rule, type), rule, TRACKED_BY_TABLE);
	}
}

/* ---- the look ---- */

static bool prepare(struct graph *g)
{
	const struct looked *const l = g->look;

	g->object = calloc((size_t)l->count + 1, sizeof(*g->object));
	g->seen = calloc((size_t)l->count + 1, 1);
	g->stack = malloc(((size_t)l->count + 1) * sizeof(*g->stack));
	g->tables = calloc((size_t)l->type_count + 1, sizeof(*g->tables));
	for (uint32_t i = 0; g->tables && i < l->type_count; i++)
		g->tables[i + 1] = tracked_demangled(g->x, l->types[i]);
	for (uint32_t i = 0; i < l->count; i++)
		if (l->verdicts[i].type > l->type_count)
			l->verdicts[i].type = 0;
	g->x->no_memory |= !g->object || !g->seen || !g->stack || !g->tables;
	return !g->x->no_memory;
}

static void split(const struct looked *l, struct tracked_snapshot *s)
{
	for (uint32_t i = 0; i < l->count; i++)
		if (l->verdicts[i].verdict >= LOOK_INDIRECTLY)
			s->unreachable += l->blocks[i].size;
	s->reachable = s->heap_bytes - s->unreachable;
}

static void take_reason(struct tracked_snapshot *s, const char *why)
{
	free(s->reason);
	s->reason = strdup(why);
}

void tracked_measure(struct reading *x, struct tracked_snapshot *s, uint32_t number)
{
	struct graph g = { .x = x, .s = s, .wants_referents = x->t->wants_objects };
	struct looks looks = { 0 };

	if (number && looks_read_one(&looks, x->t->report->capture, x->looks.numbers, s->process, number) == TRK_ERR_NOMEM)
		x->no_memory = true;
	g.look = looks.count ? &looks.list[0] : NULL;
	if (g.look)
		looked_take_live(&looks.list[0], x->heap);
	if (g.look && g.look->blocks && g.look->first && g.look->first_count == (size_t)g.look->count + 1 && prepare(&g)) {
		s->deep = true;
		split(g.look, s);
		find_objects(&g);
		measure_all(&g);
		if (g.look->head.flags & LOOK_REFERENCES_CUT)
			take_reason(s, "there was no room for all references: sizes may be too small");
	} else {
		measure_alone(x, s);
		if (number)
			take_reason(s, g.look && g.look->reason[0] ? g.look->reason : "what was found is not in the capture");
	}
	free(g.object);
	free(g.seen);
	free(g.stack);
	free(g.tables);
	looks_finish(&looks);
}
