/* aggregation_write - sums, sizes and histories -> the blocks of an aggregated capture. */
#include <stdlib.h>

#include "replay/aggregation_private.h"
#include "replay/totals.h"

static struct trk_sum_errors errors_of(const struct aggregation *a, uint32_t i, bool own_kept)
{
	const struct row_error *const row = &a->rows.errors[i];
	const struct aggregation_more_error *const m = &a->more_errors[i];
	struct sampling_error leaked = row->left;

	sampling_join(&leaked, &row->now);
	return (struct trk_sum_errors){ .of = {
						[TRK_SUM_TOTAL] = totals_error(&m->total),
						[TRK_SUM_PEAK] = totals_error(row_kept_error(&a->rows, i)),
						[TRK_SUM_OWN_PEAK] = totals_error(own_kept ? &m->own : &row->now),
						[TRK_SUM_LEAKED] = totals_error(&leaked),
						[TRK_SUM_TEMPORARY] = totals_error(&m->temporary),
					} };
}

static void write_sum(const struct aggregation *a, struct writer *w, uint32_t i)
{
	const struct row *const row = &a->rows.all[i];
	const struct aggregation_more *const m = &a->more[i];
	const bool own_kept = m->era == a->processes[row->key.process].era;
	struct trk_sum_errors errors;

	if (a->rows.errors)
		errors = errors_of(a, i, own_kept);
	const struct trk_sum sum = {
		.node = row->key.node,
		.thread = row->key.thread,
		.process = row->key.process,
		.domain = row->key.domain,
		.kind = row->key.kind,
		.of = {
			[TRK_SUM_TOTAL] = m->total,
			[TRK_SUM_PEAK] = { row_kept_bytes(&a->rows, row), row_kept_count(&a->rows, row) },
			[TRK_SUM_OWN_PEAK] = own_kept ? m->own : (struct trk_figure){ row->bytes, row->count },
			[TRK_SUM_LEAKED] = { row->left_bytes + row->bytes, row->left_count + row->count },
			[TRK_SUM_TEMPORARY] = m->temporary,
		},
	};

	writer_sum(w, &sum, a->rows.errors ? &errors : NULL);
}

static void write_sums(const struct aggregation *a, struct writer *w)
{
	for (uint32_t i = 0; i < a->rows.count; i++)
		write_sum(a, w, i);
}

static void write_history(struct writer *w, uint32_t process, const struct timeline *t)
{
	if (t->count)
		writer_history(w, &(struct trk_history){ .process = process, .shift = t->shift, .count = t->count + 1, .first = t->first, .most = t->most });
}

static void write_sizes(struct writer *w, uint32_t process, const struct view_size *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		writer_size(w, &(struct trk_size){ process, list[i].size, list[i].count });
}

static void write_process(const struct aggregation *a, struct writer *w, uint32_t index)
{
	const struct aggregation_process *const p = &a->processes[index];
	struct trk_totals totals;
	struct view_size *list;
	size_t count;

	if (!p->seen)
		return;
	totals_of_heap(&totals, index, heap_process_totals(a->heap, index));
	totals.values[TRK_TOTAL_EVENTS] = p->events;
	totals.sampled = a->rows.sampled;
	writer_totals(w, &totals);
	if (p->sizes) {
		if (sizes_list(p->sizes, &list, &count) != 0) {
			writer_no_memory(w);
			return;
		}
		write_sizes(w, index, list, count);
		free(list);
	}
	write_sizes(w, index, p->sizes_list, p->sizes_count);
	write_history(w, index, &p->timeline);
}

void aggregation_write(const struct aggregation *a, struct writer *w)
{
	struct trk_totals totals;

	totals_of_heap(&totals, TRK_ALL_PROCESSES, heap_totals(a->heap));
	totals.values[TRK_TOTAL_EVENTS] = a->events;
	totals.sampled = a->rows.sampled;
	writer_totals(w, &totals);
	write_sums(a, w);
	write_history(w, TRK_ALL_PROCESSES, &a->timeline);
	for (uint32_t i = 0; i < a->process_room; i++)
		write_process(a, w, i);
	writer_summary(w, "last_event_ns", a->time_ns);
	writer_summary(w, "temporary_threshold", a->threshold);
}
