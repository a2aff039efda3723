/* export_rows - see export.h. */
#include <stdlib.h>
#include <string.h>

#include "common/answers.h"
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

int export_find(struct export *x, struct report *r, bool by_thread, bool by_kind)
{
	const struct view_options common = { .process = r->process, .by_thread = by_thread, .threshold = (uint32_t)selection_threshold(r), .rows_only = true };
	struct answers answers;
	int code, err;

	*x = (struct export){ .report = r };
	err = flame_names_init(&x->names);
	code = answers_find(&answers, r, &common);
	for (unsigned m = 0; m < EXPORT_METRICS && !code && !err; m++)
		err = take_rows(x, &answers.of[m], m, by_kind);
	x->peak_ns = answers.of[ANSWER_PEAK].time_ns;
	x->end_ns = answers.of[ANSWER_ALLOCATED].time_ns;
	answers_finish(&answers);
	if (err)
		ui_error("out of memory");
	if (!err)
		join_rows(x);
	return err ? UI_CANNOT : code;
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
