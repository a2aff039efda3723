/* reallocs - see reallocs.h. */
#include "summary/reallocs.h"

#include <stdlib.h>
#include <string.h>

#include "common/every_event.h"
#include "common/group.h"
#include "common/narrow.h"
#include "common/ranking.h"
#include "format/array.h"
#include "summary/top.h"

#define BUCKETS_OF_SIZES 512u /* eight between a power of two and the next one */
#define NO_CHAIN 0u /* a block that has not grown */
#define ENOUGH 0.9 /* the share of steps that advice avoids */

struct sizes {
	uint64_t largest; /* that a step or a block of the bucket has */
	struct reallocs_step steps; /* to a size in it */
	uint64_t blocks, bytes; /* whose largest size lies in it, and these sizes together */
};

struct place {
	struct sizes *sizes;
	uint64_t most_copied; /* of one stack */
	uint32_t node;
};

/* A block that has grown. */
struct chain {
	uint64_t largest;
	uint32_t place; /* of its last growth */
	uint32_t next_free;
	bool in_use;
};

struct pass {
	struct reallocs *found;
	struct report *report;
	struct ranking keys; /* texts of places; never sorted, so that a place has the number of its text */
	struct place *places;
	size_t place_count, place_room;
	struct chain *chains; /* the first one is none */
	size_t chain_count, chain_room;
	uint32_t free_chain;
	uint32_t *place_of_node; /* + 1 */
	uint64_t *copied_of_node;
	const struct trk_event *event;
	uint64_t old_size; /* of the block that the event has just taken, */
	uint32_t old_chain; /* ... and its chain */
	bool has_old, no_memory;
};

/* ---- places and sizes ---- */

static unsigned bucket_of(uint64_t size)
{
	unsigned power;

	if (size < 8)
		return (unsigned)size;
	power = 63 - (unsigned)__builtin_clzll(size);
	return (power - 2) * 8 + (unsigned)(size >> (power - 3) & 7);
}

static int new_place(struct pass *p, uint32_t node)
{
	struct sizes *const sizes = calloc(BUCKETS_OF_SIZES, sizeof(*sizes));

	if (!sizes || !ARRAY_ROOM(p->places, p->place_room, p->place_count + 1, 16)) {
		free(sizes);
		return TRK_ERR_NOMEM;
	}
	p->places[p->place_count++] = (struct place){ .sizes = sizes, .node = node };
	return 0;
}

/* UINT32_MAX: no memory. */
static uint32_t place_of(struct pass *p, uint32_t node)
{
	size_t place = 0;

	if (p->place_of_node[node])
		return p->place_of_node[node] - 1;
	if (p->no_memory || ranking_add_row(&p->keys, &(struct view_row){ .node = node }, stacks_top(p->report->stacks, node)) < 0)
		return UINT32_MAX;
	while (p->keys.items[place].node != node) /* a text has the node that was added last */
		place++;
	if (place == p->place_count && new_place(p, node) < 0)
		return UINT32_MAX;
	p->place_of_node[node] = (uint32_t)place + 1;
	return (uint32_t)place;
}

static void note_largest(struct sizes *s, uint64_t size)
{
	if (size > s->largest)
		s->largest = size;
}

static void add_step(struct reallocs_step *to, const struct reallocs_step *s)
{
	to->count += s->count;
	to->moved += s->moved;
	to->copied += s->copied;
}

/* ---- chains ---- */

static uint32_t new_chain(struct pass *p)
{
	uint32_t chain = p->free_chain;

	if (chain) {
		p->free_chain = p->chains[chain].next_free;
	} else {
		if (!p->chain_count)
			p->chain_count = 1;
		if (p->chain_count >= UINT32_MAX || !ARRAY_ROOM(p->chains, p->chain_room, p->chain_count + 1, 256))
			return NO_CHAIN;
		chain = (uint32_t)p->chain_count++;
	}
	p->chains[chain] = (struct chain){ .in_use = true };
	return chain;
}

/* The block is gone, or the capture ends. */
static void end_chain(struct pass *p, uint32_t chain)
{
	struct chain *const c = &p->chains[chain];
	struct sizes *const s = &p->places[c->place].sizes[bucket_of(c->largest)];

	s->blocks++;
	s->bytes += c->largest;
	note_largest(s, c->largest);
	*c = (struct chain){ .next_free = p->free_chain };
	p->free_chain = chain;
}

/* A block of old_size has become a block of b's size. */
static void grow(struct pass *p, struct heap_block *b)
{
	const bool moved = p->event->address != p->event->old_address;
	const struct reallocs_step step = { 1, moved, moved ? p->old_size : 0 };
	const uint32_t place = place_of(p, b->node);
	struct sizes *s;

	if (place != UINT32_MAX && b->user == NO_CHAIN)
		b->user = new_chain(p);
	if (place == UINT32_MAX || b->user == NO_CHAIN) {
		p->no_memory = true;
		return;
	}
	s = &p->places[place].sizes[bucket_of(b->size)];
	note_largest(s, b->size);
	add_step(&s->steps, &step);
	p->chains[b->user].place = place;
	if (b->size > p->chains[b->user].largest)
		p->chains[b->user].largest = b->size;
	p->copied_of_node[b->node] += step.copied;
	if (p->copied_of_node[b->node] > p->places[place].most_copied) {
		p->places[place].most_copied = p->copied_of_node[b->node];
		p->places[place].node = b->node;
	}
}

/* ---- what the heap tells ---- */

static bool is_realloc(const struct trk_event *e)
{
	return e->kind == TRK_REALLOC || e->kind == TRK_REALLOCARRAY || (e->kind == TRK_REALLOC_ACQUIRE && e->call != TRK_MREMAP);
}

static void note_event(void *data, const struct trk_event *e)
{
	struct pass *const p = data;

	p->event = e;
	p->has_old = false;
}

static void died(void *data, const struct heap_block *b, const struct sampling_estimate *e, bool temporary, const struct trk_event *by)
{
	struct pass *const p = data;

	(void)temporary;
	if (!e->count) /* a part of a mapping */
		return;
	if (is_realloc(by) && by->address && b->address == by->old_address && !p->has_old) {
		p->old_size = b->size;
		p->old_chain = b->user;
		p->has_old = true;
	} else if (b->user != NO_CHAIN) {
		end_chain(p, b->user);
	}
}

static void born(void *data, struct heap_block *b, const struct sampling_estimate *e)
{
	struct pass *const p = data;
	const struct view_options *const o = &p->report->asked;
	const bool counts = !o->counts || o->counts(o->counts_data, &(struct view_origin){ b->node, b->thread, b->process, b->domain });

	(void)e;
	b->user = NO_CHAIN;
	if (!p->has_old || !is_realloc(p->event) || b->address != p->event->address)
		return;
	p->has_old = false;
	b->user = p->old_chain;
	if (counts && b->size > p->old_size && b->node <= p->report->capture->node_count)
		grow(p, b);
}

static void restored(void *data, struct heap_block *b, const struct sampling_estimate *e, uint64_t asked)
{
	(void)data;
	(void)e;
	(void)asked;
	b->user = NO_CHAIN;
}

/* ---- advice ---- */

static void advise(struct reallocs_row *row, const struct place *place)
{
	uint64_t blocks = 0, bytes = 0;

	for (unsigned i = 0; i < BUCKETS_OF_SIZES; i++)
		add_step(&row->all, &place->sizes[i].steps);
	for (unsigned i = 0; i < BUCKETS_OF_SIZES; i++) {
		const struct sizes *const s = &place->sizes[i];

		blocks += s->blocks;
		bytes += s->bytes;
		if ((double)row->avoided.count >= ENOUGH * (double)row->all.count)
			continue; /* only the blocks are still counted */
		add_step(&row->avoided, &s->steps);
		if (s->largest)
			row->first_size = s->largest;
		row->wasted = row->first_size * blocks - bytes;
	}
	row->blocks = blocks;
}

static int most_copied_first(const void *left, const void *right)
{
	const struct reallocs_row *const a = left, *const b = right;

	if (a->all.copied != b->all.copied)
		return a->all.copied < b->all.copied ? 1 : -1;
	if (a->all.count != b->all.count)
		return a->all.count < b->all.count ? 1 : -1;
	return strcmp(a->location, b->location);
}

static int make_rows(struct pass *p)
{
	struct reallocs *const f = p->found;

	for (uint32_t i = 1; i < p->chain_count; i++)
		if (p->chains[i].in_use)
			end_chain(p, i);
	f->rows = calloc(p->keys.count + 1, sizeof(*f->rows));
	if (!f->rows)
		return TRK_ERR_NOMEM;
	for (size_t i = 0; i < p->keys.count; i++) {
		struct reallocs_row *const row = &f->rows[f->count++];

		row->location = p->keys.items[i].key;
		p->keys.items[i].key = NULL;
		row->node = p->places[i].node;
		advise(row, &p->places[i]);
		add_step(&f->total, &row->all);
	}
	qsort(f->rows, f->count, sizeof(*f->rows), most_copied_first);
	return 0;
}

/* ---- the whole ---- */

static int read_all(struct pass *p)
{
	const struct heap_observer observer = { .data = p, .born = born, .died = died, .restored = restored };
	struct heap *heap = NULL;
	int err = narrow_events(p->report);

	if (!err)
		err = heap_new(&heap, 0, &observer);
	if (!err) {
		heap_keep_sums_only(heap);
		err = every_event(p->report, heap, &(struct every_event){ p, note_event, NULL });
	}
	heap_free(heap);
	if (!err && p->no_memory)
		err = TRK_ERR_NOMEM;
	return err ? err : make_rows(p);
}

static void end(struct pass *p)
{
	for (size_t i = 0; i < p->place_count; i++)
		free(p->places[i].sizes);
	free(p->places);
	free(p->chains);
	free(p->place_of_node);
	free(p->copied_of_node);
	ranking_finish(&p->keys);
}

int reallocs_find(struct reallocs *f, struct report *r)
{
	const size_t nodes = (size_t)r->capture->node_count + 1;
	struct pass p = { .found = f, .report = r, .place_of_node = calloc(nodes, sizeof(uint32_t)), .copied_of_node = calloc(nodes, sizeof(uint64_t)) };
	int err = TRK_ERR_NOMEM;

	if (capture_is_aggregated(r->capture) || r->capture->header.sample_bytes) {
		ui_error("%s is %s: it has not all of the reallocs; record without %s", r->capture->path,
			 capture_is_aggregated(r->capture) ? "aggregated" : "sampled", capture_is_aggregated(r->capture) ? "--aggregate" : "--sample");
		err = UI_CANNOT;
	} else if (p.place_of_node && p.copied_of_node) {
		err = read_all(&p);
	}
	end(&p);
	if (err < 0 && err != TRK_ERR_NOMEM) {
		ui_error("%s: %s", r->capture->path, capture_why(r->capture, err));
		return UI_CANNOT;
	}
	return err;
}

void reallocs_finish(struct reallocs *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->rows[i].location);
	free(f->rows);
}

/* ---- what is said of it ---- */

static double share(uint64_t part, uint64_t all)
{
	return all ? 100.0 * (double)part / (double)all : 0;
}

static int describe_row(const struct reallocs_row *row, const struct report *r, struct emit *e, const struct short_paths *paths)
{
	char *const place = emit_people(e) ? top_place(r, row->node, paths) : NULL;

	if (emit_people(e) && !place)
		return TRK_ERR_NOMEM;
	emit_row(e, (struct emit_value[]){ emit_words(row->location), emit_count(row->all.count), emit_count(row->all.moved), emit_size(row->all.copied),
					   emit_count(row->blocks), emit_size(row->first_size), emit_count(row->avoided.count),
					   emit_ratio(share(row->avoided.count, row->all.count)), emit_size(row->avoided.copied), emit_size(row->wasted),
					   emit_optional(place) });
	free(place);
	return 0;
}

int reallocs_describe(const struct reallocs *f, const struct report *r, struct emit *e, size_t most, struct short_paths *paths)
{
	static const struct emit_column columns[] = { { "location" }, { "reallocs" }, { "moved" }, { "copied" }, { "blocks" }, { "first_size" }, { "avoided" }, { "avoided_percent" }, { "avoided_copied" }, { "wasted" }, { "place", EMIT_FOR_PEOPLE } };
	static const struct emit_table table = {
		EMIT_TABLE("reallocs", columns),
		.sentence = "   {reallocs} of {blocks} block{blocks:s}, {copied} copied: {place}\n"
			    "      beginning with {first_size} would avoid {avoided_percent:share} % of them, {avoided_copied} copied; {wasted} in vain\n",
	};
	int err = 0;

	emit_figure(e, "total_reallocs", emit_count(f->total.count));
	emit_figure(e, "total_moved", emit_count(f->total.moved));
	emit_figure(e, "total_copied", emit_size(f->total.copied));
	emit_figure(e, "row_count", emit_count(f->count));
	emit_say(e, "Reallocs that enlarge a block: {total_reallocs}; {total_moved} moved it, {total_copied} copied\n");
	for (size_t i = 0; i < f->count && i < most && !err; i++)
		err = short_paths_add(paths, stacks_top(r->stacks, f->rows[i].node)->file);
	short_paths_settle(paths);
	emit_table(e, &table);
	for (size_t i = 0; i < f->count && i < most && !err; i++)
		err = describe_row(&f->rows[i], r, e, paths);
	emit_end(e);
	emit_aside(e, "more", emit_count(f->count > most ? f->count - most : 0));
	if (f->count > most)
		emit_say(e, "{more} more place{more:s}; -n 0 shows all\n");
	return err;
}
