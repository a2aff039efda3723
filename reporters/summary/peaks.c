/*
 * peaks - see peaks.h. One pass over the events. Each stack is a path in a tree of keys, each key once, so that a block
 * costs one step for each key of its stack when it is born, and one when it dies.
 */
#include "summary/peaks.h"

#include <stdlib.h>
#include <string.h>

#include "common/every_event.h"
#include "common/narrow.h"
#include "common/stack_tree.h"
#include "format/array.h"
#include "format/mix.h"

#define NO_CELL UINT32_MAX
#define NOT_LOOKED_UP UINT32_MAX /* a path */

/* What one process holds by one stack of keys. */
struct cell {
	uint32_t path, own; /* the node of its keys; the key of the most recent frame */
	uint32_t process, next_of_process; /* + 1 */
	uint64_t bytes, count;
	struct sampling_error error;
};

struct pass {
	struct peaks *peaks;
	struct report *report;
	struct heap *heap;
	struct stack_tree tree; /* items: places in peaks->keys */
	uint32_t *key_of; /* by number of the grouping: the place + 1 */
	size_t key_of_room, key_room;
	uint64_t *stamps; /* by key: the last path that was built with it */
	size_t stamp_room;
	uint64_t stamp;
	struct origin_path {
		uint32_t path, own;
	} * paths; /* by node, or by thread */
	struct cell *cells;
	size_t cell_count, cell_room;
	struct idmap by_cell; /* places in cells, from 1 */
	uint32_t *last_cell; /* by node, or thread: + 1 */
	uint32_t *cells_of_process; /* the first + 1 */
	uint64_t now_ns;
	bool by_thread, no_memory;
};

/* ---- what a block belongs to ---- */

static int key_place(struct pass *p, uint32_t number, uint32_t *ret)
{
	struct peaks *const peaks = p->peaks;
	const size_t before = p->key_of_room;

	if (!ARRAY_ROOM(p->key_of, p->key_of_room, (size_t)number + 1, 256))
		return TRK_ERR_NOMEM;
	if (p->key_of_room > before)
		memset(p->key_of + before, 0, (p->key_of_room - before) * sizeof(*p->key_of));
	if (!p->key_of[number]) {
		if (!ARRAY_ROOM(peaks->keys, p->key_room, peaks->count + 1, 256) || !ARRAY_ROOM(p->stamps, p->stamp_room, peaks->count + 1, 256))
			return TRK_ERR_NOMEM;
		p->stamps[peaks->count] = 0;
		peaks->keys[peaks->count++] = (struct peaks_key){ .number = number };
		p->key_of[number] = (uint32_t)peaks->count;
	}
	*ret = p->key_of[number] - 1;
	return 0;
}

static int path_of(struct pass *p, const uint32_t *numbers, size_t n, struct origin_path *ret)
{
	uint32_t node = 0, key = 0;
	int err = 0;

	p->stamp++;
	for (size_t i = 0; i < n && !err; i++) {
		err = key_place(p, numbers[i], &key);
		if (err || p->stamps[key] == p->stamp)
			continue;
		p->stamps[key] = p->stamp;
		err = stack_tree_child(&p->tree, node, key, &node);
	}
	*ret = (struct origin_path){ node, key };
	return err;
}

static int look_up(struct pass *p, const struct heap_block *b, struct origin_path *ret)
{
	const uint32_t *numbers;
	uint32_t thread;
	size_t n;
	int err;

	if (!p->by_thread) {
		err = grouping_keys(p->peaks->groups, p->report->stacks, b->node, &numbers, &n);
	} else {
		err = grouping_thread_key(p->peaks->groups, p->report->capture, b->thread, &thread);
		numbers = &thread;
		n = 1;
	}
	return err ? err : path_of(p, numbers, n, ret);
}

static int new_cell(struct pass *p, const struct heap_block *b, uint32_t origin, uint32_t hash)
{
	struct origin_path *const path = &p->paths[origin];

	if (path->path == NOT_LOOKED_UP && look_up(p, b, path) < 0)
		return TRK_ERR_NOMEM;
	if (!idmap_reserve(&p->by_cell) || !ARRAY_ROOM(p->cells, p->cell_room, p->cell_count + 1, 256))
		return TRK_ERR_NOMEM;
	p->cells[p->cell_count++] = (struct cell){ .path = path->path, .own = path->own, .process = b->process, .next_of_process = p->cells_of_process[b->process] };
	idmap_add(&p->by_cell, hash, (uint32_t)p->cell_count);
	p->cells_of_process[b->process] = (uint32_t)p->cell_count;
	return 0;
}

/* Two origins of one path have cells of their own; that costs a search less. */
static uint32_t find_cell(struct pass *p, const struct heap_block *b)
{
	const uint32_t origin = p->by_thread ? b->thread : b->node;
	const uint32_t hash = (uint32_t)trk_mix(origin, b->process);
	uint32_t at = hash, id;

	if (p->last_cell[origin] && p->cells[p->last_cell[origin] - 1].process == b->process)
		return p->last_cell[origin] - 1;
	while ((id = idmap_next(&p->by_cell, hash, &at)))
		if (p->paths[origin].path == p->cells[id - 1].path && p->paths[origin].own == p->cells[id - 1].own && p->cells[id - 1].process == b->process)
			break;
	if (!id) {
		if (new_cell(p, b, origin, hash) < 0) {
			p->no_memory = true;
			return NO_CELL;
		}
		id = (uint32_t)p->cell_count;
	}
	p->last_cell[origin] = id;
	return id - 1;
}

static uint32_t cell_of(struct pass *p, const struct heap_block *b)
{
	const struct view_options *const o = &p->report->asked;
	const uint32_t origins = p->by_thread ? p->report->capture->thread_count : p->report->capture->node_count;

	if (b->process >= p->report->capture->process_count || (p->by_thread ? b->thread : b->node) > origins)
		return NO_CELL;
	if (o->counts && !o->counts(o->counts_data, &(struct view_origin){ b->node, b->thread, b->process, b->domain }))
		return NO_CELL;
	return find_cell(p, b);
}

/* ---- sums ---- */

static void add_value(struct pass *p, struct peaks_value *v, const struct sampling_estimate *e)
{
	v->bytes += e->bytes;
	v->count += e->count;
	v->allocated += e->bytes;
	sampling_add(&v->error, e);
	if (v->bytes > v->most_bytes) {
		v->most_bytes = v->bytes;
		v->most_count = v->count;
		v->most_ns = p->now_ns;
		v->most_error = v->error;
	}
}

static void take_value(struct peaks_value *v, const struct sampling_estimate *e)
{
	v->bytes -= e->bytes;
	v->count -= e->count;
	sampling_take(&v->error, e);
}

static void add(struct pass *p, uint32_t index, const struct sampling_estimate *e)
{
	struct cell *const c = index == NO_CELL ? NULL : &p->cells[index];

	if (!c)
		return;
	c->bytes += e->bytes;
	c->count += e->count;
	sampling_add(&c->error, e);
	add_value(p, &p->peaks->keys[c->own].own, e);
	for (uint32_t node = c->path; node; node = p->tree.nodes[node].parent)
		add_value(p, &p->peaks->keys[p->tree.nodes[node].item].all, e);
}

static void take(struct pass *p, uint32_t index, const struct sampling_estimate *e)
{
	struct cell *const c = index == NO_CELL ? NULL : &p->cells[index];

	if (!c)
		return;
	c->bytes -= e->bytes;
	c->count -= e->count;
	sampling_take(&c->error, e);
	take_value(&p->peaks->keys[c->own].own, e);
	for (uint32_t node = c->path; node; node = p->tree.nodes[node].parent)
		take_value(&p->peaks->keys[p->tree.nodes[node].item].all, e);
}

static void born(void *data, struct heap_block *b, const struct sampling_estimate *e)
{
	b->user = cell_of(data, b);
	add(data, b->user, e);
}

static void grew(void *data, const struct heap_block *b, const struct sampling_estimate *e)
{
	add(data, b->user, e);
}

static void restored(void *data, struct heap_block *b, const struct sampling_estimate *e, uint64_t asked)
{
	(void)asked;
	b->user = cell_of(data, b);
	if (!b->aside)
		add(data, b->user, e);
}

static void died(void *data, const struct heap_block *b, const struct sampling_estimate *e, bool temporary, const struct trk_event *by)
{
	(void)temporary;
	(void)by;
	if (!b->aside)
		take(data, b->user, e);
}

static void aside(void *data, const struct heap_block *b, const struct sampling_estimate *e)
{
	if (b->aside)
		take(data, b->user, e);
	else
		add(data, b->user, e);
}

static void begin_anew(struct peaks_value *v, uint64_t now_ns)
{
	v->most_bytes = v->bytes;
	v->most_count = v->count;
	v->most_error = v->error;
	v->most_ns = now_ns;
}

/* A clear: peaks begin anew, as those of the whole tree do. */
static void cleared(void *data, const struct trk_event *e)
{
	const struct pass *const p = data;

	for (size_t i = 0; i < p->peaks->count; i++) {
		begin_anew(&p->peaks->keys[i].all, e->time_ns);
		begin_anew(&p->peaks->keys[i].own, e->time_ns);
	}
}

/* What the process still holds is no longer in memory. */
static void end_process(void *data, uint32_t process)
{
	struct pass *const p = data;

	for (uint32_t i = p->cells_of_process[process]; i; i = p->cells[i - 1].next_of_process) {
		const struct cell *const c = &p->cells[i - 1];

		take(p, i - 1, &(struct sampling_estimate){ c->bytes, c->count, c->error.bytes, c->error.count });
	}
}

/* ---- the pass ---- */

static void note_time(void *data, const struct trk_event *e)
{
	struct pass *const p = data;

	p->now_ns = e->time_ns;
}

static int begin(struct pass *p)
{
	const struct capture *const c = p->report->capture;
	const size_t origins = (size_t)(p->by_thread ? c->thread_count : c->node_count) + 1;
	const struct heap_observer observer = { .data = p, .born = born, .grew = grew, .restored = restored, .died = died, .aside = aside, .cleared = cleared };
	int err = stack_tree_init(&p->tree);

	p->paths = malloc(origins * sizeof(*p->paths));
	p->last_cell = calloc(origins, sizeof(*p->last_cell));
	p->cells_of_process = calloc((size_t)c->process_count + 1, sizeof(*p->cells_of_process));
	if (err || !p->paths || !p->last_cell || !p->cells_of_process)
		return TRK_ERR_NOMEM;
	for (size_t i = 0; i < origins; i++)
		p->paths[i].path = NOT_LOOKED_UP;
	err = heap_new(&p->heap, 0, &observer);
	if (!err)
		heap_keep_sums_only(p->heap);
	return err;
}

static void end(struct pass *p)
{
	heap_free(p->heap);
	stack_tree_finish(&p->tree);
	idmap_finish(&p->by_cell);
	free(p->key_of);
	free(p->stamps);
	free(p->paths);
	free(p->cells);
	free(p->last_cell);
	free(p->cells_of_process);
}

static int most_first(const void *left, const void *right, void *groups)
{
	const struct peaks_key *const a = left, *const b = right;

	if (a->all.most_bytes != b->all.most_bytes)
		return a->all.most_bytes < b->all.most_bytes ? 1 : -1;
	if (a->own.most_bytes != b->own.most_bytes)
		return a->own.most_bytes < b->own.most_bytes ? 1 : -1;
	return strcmp(grouping_name(groups, a->number), grouping_name(groups, b->number));
}

int peaks_find(struct peaks *peaks, struct report *r, enum group_by by, bool hide_runtime)
{
	const struct group_options o = { .by = by, .hide_runtime = hide_runtime, .hide_cut = true };
	struct pass p = { .peaks = peaks, .report = r, .by_thread = by == GROUP_THREAD };
	int err;

	if (capture_is_aggregated(r->capture)) {
		ui_error("%s is aggregated: it has sums in place of the events of which peaks are made; record without --aggregate", r->capture->path);
		return UI_CANNOT;
	}
	err = grouping_new(&peaks->groups, &o);
	if (!err)
		err = narrow_events(r);
	if (!err)
		err = begin(&p);
	if (!err)
		err = every_event(r, p.heap, &(struct every_event){ &p, note_time, end_process });
	if (!err && p.no_memory)
		err = TRK_ERR_NOMEM;
	end(&p);
	if (err && err != TRK_ERR_NOMEM) {
		ui_error("%s: %s", r->capture->path, capture_why(r->capture, err));
		return UI_CANNOT;
	}
	if (!err && peaks->count)
		qsort_r(peaks->keys, peaks->count, sizeof(*peaks->keys), most_first, peaks->groups);
	return err;
}

void peaks_finish(struct peaks *p)
{
	grouping_free(p->groups);
	free(p->keys);
}
