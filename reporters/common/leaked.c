/* leaked - see leaked.h. */
#include "common/leaked.h"

#include <stdlib.h>

#include "common/group.h"

/* Suppressions tell functions apart. */
static int by_node(const void *a, const void *b)
{
	const struct alike_stack *x = a, *y = b;

	return x->node != y->node ? (x->node < y->node ? -1 : 1) : (int)x->kind - (int)y->kind;
}

static bool passes(const struct report *r, const struct view_row *row)
{
	if (!row->bytes && row->kind == TRK_MMAP) /* an arena that nobody touched */
		return false;
	return group_passes(r->stacks, &r->filters, row);
}

/* One row per stack and function, whatever processes allocated there. */
static int join_stacks(const struct report *of, const struct view *v, struct leaks *l)
{
	size_t rows = 0, n = 0;

	l->rows = calloc(v->row_count + 1, sizeof(*l->rows));
	if (!l->rows)
		return TRK_ERR_NOMEM;
	for (size_t i = 0; i < v->row_count; i++) {
		const struct view_row *const r = &v->rows[i];

		if (!passes(of, r))
			continue;
		l->rows[rows++] = (struct alike_stack){ .node = r->node, .bytes = r->bytes, .count = r->count, .error = view_error(v, r), .kind = r->kind };
	}
	qsort(l->rows, rows, sizeof(*l->rows), by_node);
	for (size_t i = 0; i < rows; i++) {
		if (n && by_node(&l->rows[n - 1], &l->rows[i]) == 0) {
			l->rows[n - 1].bytes += l->rows[i].bytes;
			l->rows[n - 1].count += l->rows[i].count;
			sampling_join(&l->rows[n - 1].error, &l->rows[i].error);
		} else {
			l->rows[n++] = l->rows[i];
		}
	}
	l->row_count = n;
	return 0;
}

static void leave_out_suppressed(struct stacks *stacks, struct leaks *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->row_count; i++) {
		const struct alike_stack row = l->rows[i];
		size_t n;
		const struct source_frame *frames = stacks_frames(stacks, row.node, &n);
		struct suppression *s = suppressions_match(&l->suppressions, frames, n, &(struct suppressed){ .kind = row.kind, .judged = l->judged });

		if (s) {
			s->bytes += row.bytes;
			s->count += row.count;
			l->suppressed_bytes += row.bytes;
			l->suppressed_count += row.count;
			continue;
		}
		l->bytes += row.bytes;
		l->count += row.count;
		sampling_join(&l->error, &row.error);
		l->rows[kept++] = row;
	}
	l->row_count = kept;
}

struct sides {
	struct leaks *leaks;
	const struct report *report;
};

static bool is_left(void *sides, const struct view_row *row)
{
	const struct sides *const s = sides;
	size_t n;

	if (!passes(s->report, row))
		return false;
	const struct source_frame *const frames = stacks_frames(s->report->stacks, row->node, &n);

	return !suppressions_match(&s->leaks->suppressions, frames, n, &(struct suppressed){ .kind = row->kind, .judged = s->leaks->judged });
}

/* Of what is left in the report. */
static void find_unnamed(const struct leaks *l, struct report *r)
{
	unnamed_begin(&r->unnamed, r->capture);
	for (size_t i = 0; i < l->row_count; i++)
		unnamed_add(&r->unnamed, r->capture, r->stacks, l->rows[i].node, l->rows[i].bytes);
	unnamed_end(&r->unnamed, r->stacks);
}

/* By how their processes ended, and how much are arenas. */
static void sum_what_is_left(struct sides *sides, struct report *r)
{
	struct endings *const s = &sides->leaks->endings;
	const struct view *const v = &r->view;

	endings_begin(s, r->capture, r->process);
	arenas_begin(&r->arenas, r->capture);
	for (size_t i = 0; i < v->row_count; i++) {
		const struct view_row *const row = &v->rows[i];

		if (!is_left(sides, row))
			continue;
		endings_add(s, row->process, &(struct ending_sum){ row->bytes, row->count, view_error(v, row) });
		arenas_add(&r->arenas, r->stacks, row);
	}
}

static int find_rows(struct leaks *l, const struct report *r, const struct view *v)
{
	const int err = join_stacks(r, v, l);

	if (!err)
		leave_out_suppressed(r->stacks, l);
	return err;
}

int leaked_rows(struct leaks *l, const struct report *r, const struct view *v)
{
	const int err = find_rows(l, r, v);

	return err ? err : alike_join(r->stacks, l->rows, &l->row_count);
}

int leaked_find(struct leaks *l, struct report *r)
{
	struct sides sides = { l, r };

	if (find_rows(l, r, &r->view) != 0)
		return TRK_ERR_NOMEM;
	find_unnamed(l, r);
	if (alike_join(r->stacks, l->rows, &l->row_count) < 0)
		return TRK_ERR_NOMEM;
	sum_what_is_left(&sides, r);
	r->domains.capture = r->capture;
	r->domains.process = r->process;
	return domains_sum(&r->domains, &r->view, is_left, &sides);
}

void leaked_finish(struct leaks *l)
{
	free(l->rows);
	suppressions_finish(&l->suppressions);
}
