/* tracked - the events of classes and objects, one after another; see tracked.h. */
#include "classes/tracked_private.h"

#include <stdlib.h>
#include <string.h>

#include "format/array.h"
#include "format/event.h"
#include "format/mix.h"
#include "replay/heap_keyframe.h"

#define UNSEEN_MAX ((size_t)1 << 20) /* from so many objects on, those that died unseen are not kept */
#define CHANGES_MAX ((size_t)4 << 20)

/* ---- objects ---- */

void tracked_count(struct reading *x, uint64_t at_ns, uint32_t process, uint32_t class, int32_t by)
{
	struct tracked *const t = x->t;

	if (!t->wants_changes)
		return;
	if (t->change_count == CHANGES_MAX) {
		t->left_out++;
		return;
	}
	if (!ARRAY_ROOM(t->changes, t->change_room, t->change_count + 1, 1024)) {
		x->no_memory = true;
		return;
	}
	t->changes[t->change_count++] = (struct tracked_change){ at_ns, class, process, by };
}

void tracked_meet(struct reading *x, uint32_t process, uint32_t class, int by)
{
	struct tracked *const t = x->t;
	const uint32_t hash = (uint32_t)trk_mix(process, class);
	uint32_t at = hash, id;

	while ((id = idmap_next(&t->met_map, hash, &at)))
		if (t->met[id - 1].process == process && t->met[id - 1].class == class) {
			t->met[id - 1].count += (uint64_t)(int64_t)by;
			return;
		}
	if (!ARRAY_ROOM(t->met, t->met_room, t->met_count + 1, 64) || !idmap_reserve(&t->met_map)) {
		x->no_memory = true;
		return;
	}
	t->met[t->met_count++] = (struct tracked_met){ process, class, (uint64_t)(int64_t)by };
	idmap_add(&t->met_map, hash, t->met_count);
}

/* A place + 1; 0: no memory. */
static uint32_t take_note(struct reading *x)
{
	uint32_t place = x->free_note;

	if (place) {
		x->free_note = x->notes[place - 1].next_free;
	} else if (ARRAY_ROOM(x->notes, x->note_room, x->note_count + 1, 256)) {
		place = ++x->note_count;
	} else {
		x->no_memory = true;
		return 0;
	}
	x->notes[place - 1] = (struct note){ 0, NO_OBJECT, 0 };
	return place;
}

struct note *tracked_note(struct reading *x, uint32_t process, const struct heap_block *b)
{
	uint32_t place;

	if (b->user)
		return &x->notes[b->user - 1];
	place = take_note(x);
	if (!place)
		return NULL;
	heap_set_user(x->heap, process, TRK_DOMAIN_HEAP, b->address, place);
	return &x->notes[place - 1];
}

bool tracked_is_younger(const struct reading *x, uint32_t rule, const struct heap_block *b)
{
	const struct tracked_rule *const r = &x->t->rules[rule];

	return b->number ? b->number > r->since : b->time_ns >= r->since_ns;
}

static uint32_t new_object(struct reading *x)
{
	struct tracked *const t = x->t;

	if (x->free_count)
		return x->free_objects[--x->free_count];
	if (ARRAY_ROOM(t->objects, t->object_room, t->object_count + 1, 256) && t->object_count < NO_OBJECT)
		return (uint32_t)t->object_count++;
	x->no_memory = true;
	return NO_OBJECT;
}

uint32_t tracked_fill(struct reading *x, const struct heap_block *b, uint32_t class, uint32_t rule, enum tracked_by by)
{
	struct tracked_process *const p = &x->processes[b->process];
	struct tracked_rule *const r = rule == NO_RULE ? NULL : &x->t->rules[rule];
	const uint32_t id = ARRAY_ROOM(p->live, p->live_room, p->live_count + 1, 64) ? new_object(x) : NO_OBJECT;

	if (id == NO_OBJECT) {
		x->no_memory = true;
		return id;
	}
	x->t->objects[id] = (struct tracked_object){
		.address = b->address,
		.size = b->size,
		.birth_ns = b->time_ns,
		.end_ns = TRACKED_ALIVE,
		.number = b->number,
		.process = b->process,
		.thread = b->thread,
		.node = b->node,
		.class = class,
		.place = p->live_count,
		.level = r ? (uint8_t)r->level : 0,
		.by = (uint8_t)by,
		.trace = r && r->trace,
	};
	if (r)
		r->matched++;
	if (r && by == TRACKED_BY_ANNOTATION)
		r->told++;
	p->live[p->live_count++] = id;
	tracked_meet(x, b->process, class, 1);
	tracked_count(x, b->time_ns, b->process, class, 1);
	return id;
}

uint32_t tracked_add(struct reading *x, const struct heap_block *b, uint32_t class, uint32_t rule, enum tracked_by by)
{
	struct note *const n = tracked_note(x, b->process, b);

	if (!n)
		return NO_OBJECT;
	n->object = tracked_fill(x, b, class, rule, by);
	return n->object;
}

void tracked_end(struct reading *x, uint32_t id, uint64_t at_ns, bool died)
{
	struct tracked_object *const o = &x->t->objects[id];
	struct tracked_process *const p = &x->processes[o->process];

	p->live[o->place] = p->live[--p->live_count];
	x->t->objects[p->live[o->place]].place = o->place;
	o->end_ns = at_ns;
	o->died = died;
	tracked_count(x, at_ns, o->process, o->class, -1);
	if (o->first_size || x->t->object_count < UNSEEN_MAX)
		return;
	x->t->left_out++;
	if (ARRAY_ROOM(x->free_objects, x->free_room, x->free_count + 1, 256))
		x->free_objects[x->free_count++] = id;
}

uint32_t tracked_shown(const struct reading *x, uint32_t rule, uint32_t type)
{
	return x->t->rules[rule].shown ? x->t->rules[rule].shown : type;
}

/* ---- what the heap tells ---- */

static bool may_be_object(const struct heap_block *b)
{
	return !b->domain && !b->reserved && !trk_kind_is_piece(b->kind);
}

static void on_born(void *data, struct heap_block *b, const struct sampling_estimate *e)
{
	struct reading *const x = data;
	struct tracked_process *const p = tracked_process_of(x, b->process);
	uint32_t type, rule, id;

	(void)e;
	b->user = 0;
	if (b->number)
		p->newest = b->number;
	if (!p->rules || !may_be_object(b))
		return;
	type = tracked_type_of_node(x, b->node);
	rule = tracked_match(x, b->process, type, NULL, 0);
	if (rule == NO_RULE)
		return;
	id = tracked_fill(x, b, tracked_shown(x, rule, type), rule, TRACKED_BY_FRAMES);
	/* The block has no place in the heap yet, so its note is set here. */
	b->user = id == NO_OBJECT ? 0 : take_note(x);
	if (b->user)
		x->notes[b->user - 1].object = id;
}

static void on_died(void *data, const struct heap_block *b, const struct sampling_estimate *e, bool temporary, const struct trk_event *by)
{
	struct reading *const x = data;
	struct note *n;

	(void)e, (void)temporary;
	if (!b->user || !may_be_object(b))
		return;
	n = &x->notes[b->user - 1];
	if (n->object != NO_OBJECT)
		tracked_end(x, n->object, by->time_ns, true);
	*n = (struct note){ 0, NO_OBJECT, x->free_note };
	x->free_note = b->user;
}

static void on_restored(void *data, struct heap_block *b, const struct sampling_estimate *e, uint64_t asked)
{
	(void)data, (void)e, (void)asked;
	b->user = 0;
}

/* ---- events ---- */

/* Of a report about one process: those that it was forked from say what is tracked. Returns whether there are any. */
static bool find_telling(struct reading *x, const struct capture *c, uint32_t process)
{
	bool any = false;

	while (process < c->process_count && c->processes[process].origin == TRK_FORKED) {
		process = c->processes[process].parent;
		if (process >= c->process_count || x->processes[process].tells)
			break;
		x->processes[process].tells = any = true;
	}
	return any;
}

static int apply(struct reading *x, const struct trk_event *e)
{
	const uint32_t only = x->t->report->process;
	int err;

	if (only != UINT32_MAX && e->process != only) {
		const bool tells = e->process < x->t->report->capture->process_count && x->processes[e->process].tells;

		if (tells)
			(void)tracked_process_of(x, e->process);
		if (tells && e->kind == TRK_CLASS)
			tracked_class_told(x, e);
		return x->no_memory ? TRK_ERR_NOMEM : 0;
	}
	err = heap_apply(x->heap, e);

	if (!err && e->process < x->t->report->capture->process_count) {
		(void)tracked_process_of(x, e->process);
		if (e->kind == TRK_ANNOTATE)
			tracked_annotate(x, e);
		else if (e->kind == TRK_CLASS)
			tracked_class_event(x, e);
	}
	return err ? err : x->no_memory ? TRK_ERR_NOMEM :
					  0;
}

static int read_events(struct reading *x, struct report *r, struct ui_progress *progress)
{
	const struct heap_observer observer = { .data = x, .born = on_born, .died = on_died, .restored = on_restored };
	struct cursor *k = NULL;
	const struct trk_event *e;
	uint64_t done = 0;
	size_t n;
	int err = heap_new(&x->heap, 1, &observer);

	if (err)
		return err;
	heap_set_page_bytes(x->heap, r->capture->header.page_bytes);
	heap_set_sampling(x->heap, r->capture->header.sample_bytes);
	err = heap_keyframe_begin(r->capture, r->process, x->heap);
	if (!err)
		err = cursor_open(&k, r->capture, find_telling(x, r->capture, r->process) ? UINT32_MAX : r->process);
	while (!err && (err = cursor_batch(k, &e, &n)) == 0) {
		for (size_t i = 0; i < n && !err; i++)
			err = apply(x, &e[i]);
		ui_progress_step(progress, done += n);
		if (err)
			break;
	}
	cursor_close(k);
	r->lost = heap_totals(x->heap)->lost;
	return err == TRK_END ? 0 : err;
}

/* ---- the end ---- */

static const struct tracked_names *sorted_names; /* of by_name */

static int by_name(const void *left, const void *right)
{
	return strcmp(tracked_text(sorted_names, *(const uint32_t *)left), tracked_text(sorted_names, *(const uint32_t *)right));
}

static int sum_by_name(const void *left, const void *right)
{
	return by_name(&((const struct tracked_sum *)left)->class, &((const struct tracked_sum *)right)->class);
}

static int find_classes(struct tracked *t)
{
	uint8_t *const known = calloc((size_t)t->names.count + 1, 1);

	t->classes = malloc(((size_t)t->names.count + 1) * sizeof(*t->classes));
	if (!known || !t->classes) {
		free(known);
		return TRK_ERR_NOMEM;
	}
	for (uint32_t i = 0; i < t->met_count; i++)
		known[t->met[i].class] |= t->met[i].count != 0;
	for (size_t i = 0; i < t->snapshot_count; i++) /* objects of it may have become others since */
		for (uint32_t k = 0; k < t->snapshots[i].sum_count; k++)
			known[t->snapshots[i].sums[k].class] = 1;
	for (uint32_t i = 1; i <= t->names.count; i++)
		if (known[i])
			t->classes[t->class_count++] = i;
	free(known);
	sorted_names = &t->names;
	qsort(t->classes, t->class_count, sizeof(*t->classes), by_name);
	for (size_t i = 0; i < t->snapshot_count; i++)
		if (t->snapshots[i].sum_count)
			qsort(t->snapshots[i].sums, t->snapshots[i].sum_count, sizeof(*t->snapshots[i].sums), sum_by_name);
	return 0;
}

static const struct tracked *sorted_rules; /* of by_pattern, and by_place */

static int by_pattern(const void *left, const void *right)
{
	const struct tracked_unmet *const a = left, *const b = right;
	const struct tracked_rule *const x = &sorted_rules->rules[a->rule], *const y = &sorted_rules->rules[b->rule];
	const int order = strcmp(x->pattern, y->pattern);

	if (order || x->derived != y->derived)
		return order ? order : (int)x->derived - (int)y->derived;
	return a->rule < b->rule ? -1 : a->rule > b->rule;
}

static int by_place(const void *left, const void *right)
{
	const struct tracked_unmet *const a = left, *const b = right;

	return a->rule < b->rule ? -1 : a->rule > b->rule;
}

/* A hundred thousand forked children have the same rules. */
static int find_unmet(struct tracked *t)
{
	size_t n = 0;

	t->unmet = malloc((t->rule_count + 1) * sizeof(*t->unmet));
	if (!t->unmet)
		return TRK_ERR_NOMEM;
	for (size_t i = 0; i < t->rule_count; i++)
		if (!t->rules[i].matched && tracked_shows(t, &t->rules[i]))
			t->unmet[t->unmet_count++] = (struct tracked_unmet){ (uint32_t)i, 1 };
	sorted_rules = t;
	qsort(t->unmet, t->unmet_count, sizeof(*t->unmet), by_pattern);
	for (size_t i = 0; i < t->unmet_count; i++) {
		const struct tracked_rule *const last = n ? &t->rules[t->unmet[n - 1].rule] : NULL, *const r = &t->rules[t->unmet[i].rule];

		if (last && last->derived == r->derived && !strcmp(last->pattern, r->pattern))
			t->unmet[n - 1].count++;
		else
			t->unmet[n++] = t->unmet[i];
	}
	t->unmet_count = n;
	qsort(t->unmet, n, sizeof(*t->unmet), by_place);
	return 0;
}

static void finish(struct reading *x, uint32_t process_count)
{
	for (uint32_t i = 0; x->processes && i < process_count; i++)
		free(x->processes[i].live);
	heap_free(x->heap);
	free(x->processes);
	free(x->notes);
	free(x->node_types);
	free(x->free_objects);
	free(x->matches);
	free(x->sum_places);
	looks_finish(&x->looks);
}

int tracked_read(struct tracked *t, struct report *r)
{
	const struct capture *const c = r->capture;
	struct reading x = { .t = t };
	struct ui_progress progress;
	int err = TRK_ERR_NOMEM;

	t->report = r;
	x.serial = 1;
	x.processes = calloc((size_t)c->process_count + 1, sizeof(*x.processes));
	x.node_types = calloc((size_t)c->node_count + 1, sizeof(*x.node_types));
	ui_progress_start(&progress, "reading events", c->event_count);
	if (x.processes && x.node_types && looks_read(&x.looks, c, UINT32_MAX, LOOKS_HEADS | LOOKS_GRAPHS) != TRK_ERR_NOMEM)
		err = read_events(&x, r, &progress);
	if (!err)
		err = find_classes(t);
	if (!err)
		err = find_unmet(t);
	ui_progress_end(&progress);
	finish(&x, c->process_count);
	if (!err) {
		report_say_missing(r);
		return UI_OK;
	}
	ui_error("%s: %s", c->path, err == TRK_ERR_NOMEM ? "out of memory" : capture_why(c, err));
	return UI_CANNOT;
}

void tracked_finish(struct tracked *t)
{
	for (uint32_t i = 0; i < t->names.count; i++)
		free(t->names.list[i]);
	free(t->names.list);
	idmap_finish(&t->names.map);
	for (size_t i = 0; i < t->rule_count; i++)
		free(t->rules[i].pattern);
	for (size_t i = 0; i < t->snapshot_count; i++) {
		free(t->snapshots[i].description);
		free(t->snapshots[i].reason);
		free(t->snapshots[i].sums);
	}
	free(t->rules);
	free(t->unmet);
	free(t->met);
	idmap_finish(&t->met_map);
	free(t->objects);
	free(t->sizes);
	free(t->referents);
	free(t->snapshots);
	free(t->changes);
	free(t->classes);
	*t = (struct tracked){ 0 };
}
