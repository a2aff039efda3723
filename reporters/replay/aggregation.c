/* aggregation - see aggregation.h. aggregation_write.c writes the result. */
#include "replay/aggregation_private.h"

#include "format/array.h"

#include <stdlib.h>
#include <string.h>

/* ---- rows ---- */

static struct aggregation_process *process_of(struct aggregation *a, uint32_t index)
{
	return ARRAY_ZEROES(a->processes, a->process_room, (size_t)index + 1, 8) ? &a->processes[index] : NULL;
}

static bool reach_node(struct aggregation *a, uint32_t node)
{
	return ARRAY_ZEROES(a->last_row, a->node_room, (size_t)node + 1, 1024);
}

/*
 * Called before a row is added, so that each row has its place here. The room grows by half, as that of the rows
 * themselves (rows.c).
 */
static bool reach_more(struct aggregation *a)
{
	const uint32_t room = a->more_room ? a->more_room + a->more_room / 2 : 64;
	struct aggregation_more *moved;

	if (a->rows.count < a->more_room)
		return true;
	moved = realloc(a->more, (size_t)room * sizeof(*moved));
	if (!moved)
		return false;
	a->more = moved;
	if (a->rows.sampled) {
		struct aggregation_more_error *const errors =
			realloc(a->more_errors, (size_t)room * sizeof(*errors));

		if (!errors)
			return false;
		a->more_errors = errors;
	}
	a->more_room = room;
	return true;
}

static uint32_t find_row(struct aggregation *a, const struct heap_block *b)
{
	const struct view_row key = { .node = b->node, .thread = b->thread, .process = b->process, .domain = b->domain, .kind = b->kind };
	struct aggregation_process *const p = &a->processes[b->process];
	bool is_new = false;
	const uint32_t i = reach_more(a) ? rows_find(&a->rows, &key, &is_new) : ROWS_NONE;

	if (i == ROWS_NONE) {
		a->no_memory = true;
		return ROWS_NONE;
	}
	if (is_new) {
		a->more[i] = (struct aggregation_more){ .era = p->era };
		if (a->more_errors)
			a->more_errors[i] = (struct aggregation_more_error){ 0 };
		a->rows.all[i].next = p->first_row;
		p->first_row = i + 1;
	}
	a->last_row[b->node] = i + 1;
	return i;
}

/* Most nodes have one row: the row that was found last saves the search. */
static inline uint32_t row_of(struct aggregation *a, const struct heap_block *b)
{
	const uint32_t last = b->node < a->node_room ? a->last_row[b->node] : 0;

	if (last) {
		const struct view_row *const key = &a->rows.all[last - 1].key;

		if (key->kind == b->kind && key->process == b->process &&
		    key->domain == b->domain && key->thread == b->thread)
			return last - 1;
	}
	if (!reach_node(a, b->node)) {
		a->no_memory = true;
		return ROWS_NONE;
	}
	return find_row(a, b);
}

/* Called before every change of a row's present figures: they may be those of a peak. */
static inline struct row *touch(struct aggregation *a, uint32_t index)
{
	struct row *const row = rows_touch(&a->rows, index);
	struct aggregation_more *const m = &a->more[index];
	const uint64_t era = a->processes[row->key.process].era;

	if (m->era != era) {
		m->own = (struct trk_figure){ row->bytes, row->count };
		if (a->more_errors)
			a->more_errors[index].own = a->rows.errors[index].now;
		m->era = era;
	}
	return row;
}

static inline void add(struct aggregation *a, uint32_t index, const struct sampling_estimate *e)
{
	struct row *row;

	if (index == ROWS_NONE)
		return;
	row = touch(a, index);
	row->bytes += e->bytes;
	row->count += e->count;
	if (a->rows.errors)
		sampling_add(&a->rows.errors[index].now, e);
}

static inline void take(struct aggregation *a, uint32_t index, const struct sampling_estimate *e)
{
	struct row *row;

	if (index == ROWS_NONE)
		return;
	row = touch(a, index);
	row->bytes -= e->bytes;
	row->count -= e->count;
	if (a->rows.errors)
		sampling_take(&a->rows.errors[index].now, e);
}

/* ---- processes ---- */

/* A second process has come: the tree's history becomes a copy for the first process, too. */
static int divide_timeline(struct aggregation *a)
{
	struct timeline *const own = &a->processes[a->only].timeline;

	*own = a->timeline;
	if (!own->count)
		return 0;
	own->most = malloc(own->room * sizeof(*own->most));
	if (!own->most) {
		*own = (struct timeline){ 0 };
		return TRK_ERR_NOMEM;
	}
	memcpy(own->most, a->timeline.most, (own->count + 1) * sizeof(*own->most));
	return 0;
}

static int meet_process(struct aggregation *a, uint32_t index)
{
	struct aggregation_process *const p = process_of(a, index);
	int err = 0;

	if (!p)
		return TRK_ERR_NOMEM;
	p->seen = true;
	a->process_count++;
	if (a->process_count == 1)
		a->only = index;
	else if (a->process_count == 2)
		err = divide_timeline(a);
	return err;
}

static inline int know_process(struct aggregation *a, uint32_t index)
{
	return index < a->process_room && a->processes[index].seen ? 0 : meet_process(a, index);
}

/* ---- what the heap tells ---- */

static void born(void *data, struct heap_block *b, const struct sampling_estimate *e)
{
	struct aggregation *const a = data;
	struct aggregation_process *const p = &a->processes[b->process];

	if (!p->sizes)
		p->sizes = calloc(1, sizeof(*p->sizes));
	if (!p->sizes || (e->count && !b->reserved && sizes_add(p->sizes, b->size, e->count) != 0))
		a->no_memory = true;
	b->user = row_of(a, b);
	add(a, b->user, e);
	if (b->user != ROWS_NONE) {
		a->more[b->user].total.bytes += e->bytes;
		a->more[b->user].total.count += e->count;
		if (a->more_errors)
			sampling_add(&a->more_errors[b->user].total, e);
	}
}

static void grew(void *data, const struct heap_block *b, const struct sampling_estimate *e)
{
	struct aggregation *const a = data;

	add(a, b->user, e);
	if (b->user != ROWS_NONE)
		a->more[b->user].total.bytes += e->bytes;
}

/* Of the blocks that were there at the beginning, only the live bytes count: none of them was allocated in the capture. */
static void restored(void *data, struct heap_block *b, const struct sampling_estimate *e, uint64_t asked)
{
	struct aggregation *const a = data;

	if (know_process(a, b->process) != 0) {
		a->no_memory = true;
		return;
	}
	b->user = row_of(a, b);
	if (!b->aside)
		add(a, b->user, e);
}

static void died(void *data, const struct heap_block *b, const struct sampling_estimate *e,
		 bool temporary, const struct trk_event *by)
{
	struct aggregation *const a = data;

	if (!b->aside)
		take(a, b->user, e);
	if (temporary && b->user != ROWS_NONE) {
		a->more[b->user].temporary.bytes += e->bytes;
		a->more[b->user].temporary.count += e->count;
		if (a->more_errors)
			sampling_add(&a->more_errors[b->user].temporary, e);
	}
}

static void aside(void *data, const struct heap_block *b, const struct sampling_estimate *e)
{
	if (b->aside)
		take(data, b->user, e);
	else
		add(data, b->user, e);
}

static void peak(void *data, const struct trk_event *e)
{
	rows_keep(&((struct aggregation *)data)->rows);
}

static void own_peak(void *data, uint32_t process)
{
	struct aggregation *const a = data;

	if (process < a->process_room) /* one that was restored without a block is not known */
		a->processes[process].era++;
}

/* ---- events ---- */

int aggregation_new(struct aggregation **ret, uint32_t temporary_threshold)
{
	struct aggregation *a = calloc(1, sizeof(*a));
	struct heap_observer o = {
		.data = a,
		.born = born,
		.restored = restored,
		.died = died,
		.grew = grew,
		.aside = aside,
		.peak = peak,
		.own_peak = own_peak,
	};
	int err = a ? heap_new(&a->heap, temporary_threshold, &o) : TRK_ERR_NOMEM;

	if (err) {
		free(a);
		return err;
	}
	a->threshold = temporary_threshold;
	*ret = a;
	return 0;
}

void aggregation_free(struct aggregation *a)
{
	if (!a)
		return;
	for (uint32_t i = 0; i < a->process_room; i++) {
		sizes_free(a->processes[i].sizes);
		free(a->processes[i].sizes_list);
		timeline_finish(&a->processes[i].timeline);
	}
	timeline_finish(&a->timeline);
	rows_finish(&a->rows);
	heap_free(a->heap);
	free(a->processes);
	free(a->last_row);
	free(a->more);
	free(a->more_errors);
	free(a);
}

void aggregation_set_sampling(struct aggregation *a, uint64_t sample_bytes)
{
	heap_set_sampling(a->heap, sample_bytes);
	a->rows.sampled = sample_bytes != 0;
}

const struct rows *aggregation_rows(const struct aggregation *a)
{
	return &a->rows;
}

struct heap *aggregation_heap(struct aggregation *a)
{
	return a->heap;
}

static int note_time(struct aggregation *a, uint32_t process, uint64_t time_ns, uint64_t live_bytes)
{
	int err = timeline_note(&a->timeline, time_ns, heap_now_bytes(a->heap));

	if (!err && a->process_count > 1)
		err = timeline_note(&a->processes[process].timeline, time_ns, live_bytes);
	return err;
}

int aggregation_apply(struct aggregation *a, const struct trk_event *e)
{
	int err = know_process(a, e->process);

	if (!err)
		err = heap_apply(a->heap, e);
	if (err)
		return err;
	a->events++;
	a->processes[e->process].events++;
	if (e->time_ns > a->time_ns)
		a->time_ns = e->time_ns;
	err = note_time(a, e->process, a->time_ns,
			heap_process_totals(a->heap, e->process)->live_bytes);
	return a->no_memory ? TRK_ERR_NOMEM : err;
}

/*
 * Replaces the table of the process's sizes by a list, which takes less memory, because the sizes are few. If there
 * is no memory for the list, the table stays.
 */
static void settle_sizes(struct aggregation *a, struct aggregation_process *p)
{
	if (!p->sizes)
		return;
	if (sizes_list(p->sizes, &p->sizes_list, &p->sizes_count) != 0)
		return;
	sizes_free(p->sizes);
	p->sizes = NULL;
}

int aggregation_end_process(struct aggregation *a, uint32_t process, uint64_t time_ns)
{
	heap_end_process(a->heap, process);
	if (process >= a->process_room || !a->processes[process].seen)
		return 0;
	for (uint32_t i = a->processes[process].first_row; i; i = a->rows.all[i - 1].next) {
		struct row *const row = touch(a, i - 1);

		row->left_bytes += row->bytes;
		row->left_count += row->count;
		row->bytes = row->count = 0;
		if (a->rows.errors) {
			struct row_error *const e = &a->rows.errors[i - 1];

			sampling_join(&e->left, &e->now);
			e->now = (struct sampling_error){ 0 };
		}
	}
	settle_sizes(a, &a->processes[process]);
	return note_time(a, process, time_ns, 0);
}
