/* view_answer - what is left of a pass when it is over: the rows and sums of a view; see view.h. */
#include "replay/view_private.h"

#include <stdlib.h>
#include <string.h>

/* The sums of a row that the question `what` is about. */
static void weigh(const struct tally *t, const struct rows *rows, enum view_what what, uint32_t index,
		  struct view_row *ret, struct sampling_error *ret_error)
{
	const struct row *const row = &rows->all[index];
	const struct row_error *const error = rows->errors ? &rows->errors[index] : NULL;
	const bool live = what == VIEW_LIVE;
	const bool kept = live && (t->follow_peak || t->to.met);
	/* Live at the end: with what processes left behind that ended before. */
	const bool left = what == VIEW_LEAKS ||
			  (live && !t->follow_peak && t->to.point.kind == POINT_END);

	*ret = row->key;
	ret->bytes = kept ? row_kept_bytes(rows, row) : row->bytes;
	ret->count = kept ? row_kept_count(rows, row) : row->count;
	if (left) {
		ret->bytes += row->left_bytes;
		ret->count += row->left_count;
	}
	if (!error)
		return;
	*ret_error = kept ? *row_kept_error(rows, index) : error->now;
	if (left)
		sampling_join(ret_error, &error->left);
}

static int collect_rows(const struct tally *t, const struct rows *rows, enum view_what what, struct view *v)
{
	const size_t room = (size_t)rows->count + 1;

	v->sample_bytes = t->capture->header.sample_bytes;
	v->rows = calloc(room, sizeof(*v->rows));
	v->errors = v->sample_bytes ? calloc(room, sizeof(*v->errors)) : NULL;
	if (!v->rows || (v->sample_bytes && !v->errors))
		return TRK_ERR_NOMEM;
	for (uint32_t i = 0; i < rows->count; i++) {
		struct view_row *row = &v->rows[v->row_count];
		struct sampling_error error;

		weigh(t, rows, what, i, row, &error);
		if (!row->bytes && !row->count)
			continue;
		if (v->errors) {
			row->error = (uint32_t)v->row_count;
			v->errors[row->error] = error;
			sampling_join(&v->error, &error);
		}
		v->bytes += row->bytes;
		v->count += row->count;
		v->row_count++;
	}
	view_sort(v);
	return 0;
}

/* Of the end, if the point was not met before. */
static int collect_blocks(struct tally *t, struct view *v)
{
	const bool live = t->options->what == VIEW_LIVE;
	int err = 0;

	/* At the very end: with what processes left behind that ended before. */
	if (!live || t->to.point.kind == POINT_END)
		memset(t->live.ended, 0, t->live.processes * sizeof(*t->live.ended));
	if (!live || !t->to.met)
		err = live_collect(&t->live, t->heap, ROWS_NONE);
	v->blocks = t->live.blocks;
	v->block_count = t->live.count;
	t->live.blocks = NULL;
	return err;
}

static uint64_t time_of(const struct tally *t)
{
	if (t->follow_peak)
		return heap_totals(t->heap)->peak_time_ns;
	if (t->to.point.kind == POINT_PEAK && t->to.after_event)
		return t->peak_time_ns;
	if (t->to.point.kind == POINT_TIME)
		return t->to.point.number;
	return t->to.met ? t->to.time_ns : capture_end(t->capture);
}

/* Nobody knows whose the lost events were. */
static int copy_losses(const struct tally *t, struct view *v)
{
	int err = 0;

	for (uint32_t p = 0; p < t->capture->process_count && !err; p++) {
		const uint64_t lost = heap_knows_process(t->heap, p) ? heap_process_totals(t->heap, p)->lost : 0;
		struct heap_totals *const of = lost ? process_totals_reach(&v->process_totals, p) : NULL;

		if (of)
			of->lost = lost;
		err = lost && !of ? TRK_ERR_NOMEM : 0;
	}
	return err;
}

static int collect_process_totals(struct tally *t, struct view *v)
{
	const uint32_t n = t->capture->process_count;
	int err = 0;

	if (t->has_span) {
		v->process_totals = t->span.of;
		t->span.of = (struct process_totals){ 0 };
		return t->options->counts ? copy_losses(t, v) : 0;
	}
	err = process_totals_init(&v->process_totals, n);
	for (uint32_t p = 0; p < n && !err; p++) {
		struct heap_totals *of;

		if (!heap_knows_process(t->heap, p))
			continue;
		of = process_totals_reach(&v->process_totals, p);
		if (of)
			*of = *heap_process_totals(t->heap, p);
		err = of ? 0 : TRK_ERR_NOMEM;
	}
	return err;
}

/* The answers beside the first: rows and sums. */
static int collect_others(const struct tally *t)
{
	const struct view_options *const o = t->options;
	int err = 0;

	if (o->leaks)
		err = collect_rows(t, &t->rows, VIEW_LEAKS, o->leaks);
	if (o->temporary && !err)
		err = collect_rows(t, &t->temporary, VIEW_TEMPORARY, o->temporary);
	return err;
}

int view_answer(struct tally *t, struct view *v)
{
	int err = collect_rows(t, &t->rows, t->options->what, v);

	if (!err)
		err = collect_others(t);
	if (!err && t->sizes)
		err = sizes_list(t->sizes, &v->sizes, &v->size_count);
	if (!err && t->options->blocks)
		err = collect_blocks(t, v);
	if (!err)
		err = collect_process_totals(t, v);
	if (err)
		return TRK_ERR_NOMEM;
	v->types = t->types.names;
	v->type_count = t->types.count;
	t->types.names = NULL;
	t->types.count = 0;
	v->totals = t->has_span ? t->span.all : *heap_totals(t->heap);
	if (t->options->counts)
		v->totals.lost = heap_totals(t->heap)->lost;
	v->events = t->applied;
	v->time_ns = time_of(t);
	return 0;
}
