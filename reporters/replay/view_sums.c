/* view_sums - see view_sums.h. Nothing is replayed: figures are chosen and joined. */
#include "replay/view_sums.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replay/rows.h"
#include "replay/totals.h"

static int refuse(struct trk_fault *fault, const char *what)
{
	*fault = (struct trk_fault){ .code = TRK_ERR_ARG };
	snprintf(fault->why, sizeof(fault->why),
		 "the capture is aggregated: %s; record without --aggregate", what);
	return TRK_ERR_ARG;
}

/* Questions that only events can answer. */
static int check(const struct capture *c, const struct view_options *o, struct trk_fault *fault)
{
	const uint64_t threshold = capture_summary(c, "temporary_threshold");
	const bool whole = !o->at.is_range && o->at.from.kind == POINT_END;

	if (o->region)
		return refuse(fault, "it does not say what was allocated inside a region");
	if (o->counts)
		return refuse(fault, "it does not hold the peak and the sizes of some of its stacks or threads");
	if (o->at.is_range || (o->spanned && !whole))
		return refuse(fault, "it has no figures for a part of the time");
	if (o->what == VIEW_LIVE && o->at.from.kind != POINT_PEAK && !whole)
		return refuse(fault, "its only points are the peak and the end");
	if (o->by_size)
		return refuse(fault, "it does not say which sizes a stack allocated");
	if (o->blocks)
		return refuse(fault, "it does not hold single blocks");
	if (o->what == VIEW_TEMPORARY && o->threshold != threshold) {
		*fault = (struct trk_fault){ .code = TRK_ERR_ARG };
		snprintf(fault->why, sizeof(fault->why),
			 "this aggregated capture counted temporary allocations with threshold "
			 "%llu; record without --aggregate, or with --temporary-threshold %u",
			 (unsigned long long)threshold, o->threshold);
		return TRK_ERR_ARG;
	}
	return 0;
}

static enum trk_sum_figure figure_of(const struct view_options *o)
{
	switch (o->what) {
	case VIEW_LEAKS:
		return TRK_SUM_LEAKED;
	case VIEW_TEMPORARY:
		return TRK_SUM_TEMPORARY;
	case VIEW_ALLOCATIONS:
		return TRK_SUM_TOTAL;
	case VIEW_LIVE:
		break;
	}
	if (o->at.from.kind == POINT_END)
		return TRK_SUM_LEAKED;
	return o->process == UINT32_MAX ? TRK_SUM_PEAK : TRK_SUM_OWN_PEAK;
}

static int join_rows(const struct capture *c, const struct view_options *o, struct rows *rows)
{
	const enum trk_sum_figure which = figure_of(o);

	for (uint32_t i = 0; i < c->sum_count; i++) {
		const struct trk_sum *const s = &c->sums[i];
		const struct trk_figure f = s->of[which];
		bool is_new;

		if ((!f.bytes && !f.count) || (o->process != UINT32_MAX && o->process != s->process))
			continue;
		const uint32_t row = rows_find(rows, &(struct view_row){
							     .node = s->node,
							     .thread = o->by_thread ? s->thread : UINT32_MAX,
							     .process = s->process,
							     .domain = s->domain,
							     .kind = s->kind,
						     },
					       &is_new);

		if (row == ROWS_NONE)
			return TRK_ERR_NOMEM;
		rows->all[row].bytes += f.bytes;
		rows->all[row].count += f.count;
		if (rows->sampled) {
			const struct trk_error *const e = &c->sum_errors[i].of[which];

			sampling_join(&rows->errors[row].now,
				      &(struct sampling_error){ e->bytes, e->count, e->most });
		}
	}
	return 0;
}

static int list_rows(const struct rows *rows, struct view *v)
{
	const size_t room = (size_t)rows->count + 1;

	v->rows = calloc(room, sizeof(*v->rows));
	v->errors = rows->sampled ? calloc(room, sizeof(*v->errors)) : NULL;
	if (!v->rows || (rows->sampled && !v->errors))
		return TRK_ERR_NOMEM;
	for (uint32_t i = 0; i < rows->count; i++) {
		v->rows[i] = rows->all[i].key;
		v->rows[i].bytes = rows->all[i].bytes;
		v->rows[i].count = rows->all[i].count;
		v->bytes += rows->all[i].bytes;
		v->count += rows->all[i].count;
		if (v->errors) {
			v->rows[i].error = i;
			v->errors[i] = rows->errors[i].now;
			sampling_join(&v->error, &v->errors[i]);
		}
	}
	v->row_count = rows->count;
	view_sort(v);
	return 0;
}

static int by_size(const void *a, const void *b)
{
	const struct view_size *x = a, *y = b;

	return x->size < y->size ? -1 : x->size > y->size;
}

/* Of all processes together, or of one. */
static int list_sizes(const struct capture *c, uint32_t process, struct view *v)
{
	size_t n = 0;

	v->sizes = calloc((size_t)c->size_count + 1, sizeof(*v->sizes));
	if (!v->sizes)
		return TRK_ERR_NOMEM;
	for (uint32_t i = 0; i < c->size_count; i++)
		if (process == UINT32_MAX || process == c->sizes[i].process)
			v->sizes[n++] = (struct view_size){ c->sizes[i].size, c->sizes[i].count };
	qsort(v->sizes, n, sizeof(*v->sizes), by_size);
	for (size_t i = 0; i < n; i++) {
		if (v->size_count && v->sizes[v->size_count - 1].size == v->sizes[i].size)
			v->sizes[v->size_count - 1].count += v->sizes[i].count;
		else
			v->sizes[v->size_count++] = v->sizes[i];
	}
	return 0;
}

static int list_totals(const struct capture *c, uint32_t process, struct view *v)
{
	if (process_totals_init(&v->process_totals, c->process_count) != 0)
		return TRK_ERR_NOMEM;
	for (uint32_t i = 0; i < c->total_count; i++) {
		const struct trk_totals *const t = &c->totals[i];
		struct heap_totals *of;

		if (t->process == process) {
			totals_to_heap(&v->totals, t);
			v->events = t->values[TRK_TOTAL_EVENTS];
		}
		if (t->process >= c->process_count ||
		    (process != UINT32_MAX && process != t->process))
			continue;
		of = process_totals_reach(&v->process_totals, t->process);
		if (!of)
			return TRK_ERR_NOMEM;
		totals_to_heap(of, t);
	}
	return 0;
}

int view_of_sums(const struct capture *c, const struct view_options *o, struct view *ret,
		 struct trk_fault *fault)
{
	struct view v = { .sample_bytes = c->header.sample_bytes };
	struct rows rows = { .sampled = c->header.sample_bytes != 0 };
	int err = check(c, o, fault);

	if (!err)
		err = join_rows(c, o, &rows);
	if (!err)
		err = list_rows(&rows, &v);
	if (!err && o->sizes)
		err = list_sizes(c, o->process, &v);
	if (!err)
		err = list_totals(c, o->process, &v);
	rows_finish(&rows);
	if (err) {
		view_finish(&v);
		return err;
	}
	v.time_ns = o->what == VIEW_LIVE && o->at.from.kind == POINT_PEAK ? v.totals.peak_time_ns :
									    capture_end(c);
	*ret = v;
	return 0;
}
