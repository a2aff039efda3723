/* export_rows - see export.h. */
#include <stdlib.h>
#include <string.h>

#include "common/narrow.h"
#include "common/selection.h"
#include "export/export.h"
#include "format/array.h"

static int take_rows(struct export *x, const struct view *v, enum export_metric metric, bool by_kind)
{
	for (size_t i = 0; i < v->row_count; i++) {
		const struct view_row *const row = &v->rows[i];

		if (!ARRAY_ROOM(x->rows, x->row_room, x->row_count + 1, 256))
			return TRK_ERR_NOMEM;
		struct export_row *const to = &x->rows[x->row_count++];

		*to = (struct export_row){ .node = row->node, .process = row->process, .thread = row->thread, .kind = by_kind ? row->kind : 0 };
		to->of[metric] = (struct export_amount){ row->bytes, row->count };
	}
	return 0;
}

static int by_stack(const void *a, const void *b)
{
	const struct export_row *const x = a, *const y = b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	if (x->thread != y->thread)
		return x->thread < y->thread ? -1 : 1;
	return x->kind - y->kind;
}

/* Rows of the same stack become one: the questions were asked apart. */
static void join_rows(struct export *x)
{
	size_t count = 0;

	if (x->row_count)
		qsort(x->rows, x->row_count, sizeof(*x->rows), by_stack);
	for (size_t i = 0; i < x->row_count; i++) {
		if (!count || by_stack(&x->rows[count - 1], &x->rows[i]) != 0) {
			x->rows[count++] = x->rows[i];
			continue;
		}
		for (unsigned m = 0; m < EXPORT_METRICS; m++) {
			x->rows[count - 1].of[m].bytes += x->rows[i].of[m].bytes;
			x->rows[count - 1].of[m].count += x->rows[i].of[m].count;
		}
	}
	x->row_count = count;
	for (size_t i = 0; i < count; i++)
		for (unsigned m = 0; m < EXPORT_METRICS; m++) {
			x->total[m].bytes += x->rows[i].of[m].bytes;
			x->total[m].count += x->rows[i].of[m].count;
		}
}

/* An answer, narrowed as the options say. */
static int take(struct export *x, struct view *v, enum export_metric metric, bool by_kind)
{
	struct report *const r = x->report;
	int err;

	r->view = *v;
	narrow_to_threads(r);
	narrow_to_filters(r);
	err = take_rows(x, &r->view, metric, by_kind);
	*v = r->view;
	r->view = (struct view){ 0 };
	return err;
}

/* One pass over the events; `also`: it answers for what leaked and what was temporary, too. */
static int ask(struct export *x, const struct view_options *o, enum export_metric metric, bool by_kind, bool also, uint64_t *ret_ns)
{
	struct report *const r = x->report;
	struct view answer = { 0 }, leaks = { 0 }, temporary = { 0 };
	int code, err = 0;

	r->asked = *o;
	narrow_ask(r);
	if (also) {
		r->asked.leaks = &leaks;
		r->asked.temporary = &temporary;
	}
	code = report_view(r, &r->asked, &answer);
	if (!code) {
		*ret_ns = answer.time_ns;
		err = take(x, &answer, metric, by_kind);
	}
	if (!code && !err && also)
		err = take(x, &leaks, EXPORT_LIVE, by_kind);
	if (!code && !err && also)
		err = take(x, &temporary, EXPORT_TEMPORARY, by_kind);
	view_finish(&answer);
	view_finish(&leaks);
	view_finish(&temporary);
	if (err)
		ui_error("out of memory");
	return err ? UI_CANNOT : code;
}

int export_find(struct export *x, struct report *r, bool by_thread, bool by_kind)
{
	const bool whole = !r->has_point;
	const struct view_options common = { .process = r->process, .by_thread = by_thread, .threshold = (uint32_t)selection_threshold(r), .rows_only = true };
	struct view_options questions[EXPORT_METRICS] = { common, common, common, common };
	uint64_t ns;
	int code;

	*x = (struct export){ .report = r };
	questions[EXPORT_ALLOCATED].what = VIEW_ALLOCATIONS;
	questions[EXPORT_LIVE].what = VIEW_LIVE;
	questions[EXPORT_TEMPORARY].what = VIEW_TEMPORARY;
	for (unsigned m = 0; m < EXPORT_METRICS; m++) {
		questions[m].at.from.kind = POINT_END;
		questions[m].spanned = !whole;
		if (!whole)
			questions[m].at = r->at;
	}
	questions[EXPORT_PEAK] = common;
	questions[EXPORT_PEAK].what = VIEW_LIVE;
	questions[EXPORT_PEAK].at.from.kind = POINT_PEAK;
	if (flame_names_init(&x->names) != 0) {
		ui_error("out of memory");
		return UI_CANNOT;
	}
	code = ask(x, &questions[EXPORT_PEAK], EXPORT_PEAK, by_kind, whole, &x->peak_ns);
	if (!code)
		code = ask(x, &questions[EXPORT_ALLOCATED], EXPORT_ALLOCATED, by_kind, false, &x->end_ns);
	if (!code && !whole)
		code = ask(x, &questions[EXPORT_LIVE], EXPORT_LIVE, by_kind, false, &ns);
	if (!code && !whole)
		code = ask(x, &questions[EXPORT_TEMPORARY], EXPORT_TEMPORARY, by_kind, false, &ns);
	join_rows(x);
	return code;
}

void export_finish(struct export *x)
{
	flame_names_finish(&x->names);
	free(x->rows);
	free(x->stack);
	*x = (struct export){ 0 };
}

/* ---- stacks ---- */

/* If all frames are irrelevant, the oldest one that is the program's stays. */
static size_t only_frame(const struct source_frame *s, size_t count)
{
	size_t keep = count - 1;

	for (size_t i = 0; i < count; i++)
		if (!s[i].runtime)
			keep = i;
	return keep;
}

static bool is_shown(const struct source_frame *s)
{
	return !s->skipped && !s->runtime;
}

static int64_t number_of(struct export *x, const struct source_frame *s, size_t i)
{
	uint32_t place = 0;

	while (i > place && s[i - place - 1].inlined)
		place++;
	return flame_names_frame(&x->names, &s[i], place, false, false);
}

const uint32_t *export_stack(struct export *x, const struct export_row *row, size_t *ret_count)
{
	size_t count, kept = 0;
	const struct source_frame *const s = stacks_frames(x->report->stacks, row->node, &count);

	if (!ARRAY_ROOM(x->stack, x->stack_room, count, 64))
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (!is_shown(&s[i]))
			continue;
		const int64_t number = number_of(x, s, i);

		if (number < 0)
			return NULL;
		x->stack[kept++] = (uint32_t)number;
	}
	if (!kept && count) {
		const int64_t number = number_of(x, s, only_frame(s, count));

		if (number < 0)
			return NULL;
		x->stack[kept++] = (uint32_t)number;
	}
	*ret_count = kept;
	return x->stack;
}
