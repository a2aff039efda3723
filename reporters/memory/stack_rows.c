/* stack_rows - see stack_rows.h. */
#include "stack_rows.h"

#include <stdlib.h>

#include "common/group.h"
#include "format/array.h"

int stack_rows_add(struct stack_rows *s, uint32_t node, uint64_t bytes, uint64_t count)
{
	struct alike_stack *const last = s->count ? &s->list[s->count - 1] : NULL;

	if (last && last->node == node) {
		last->bytes += bytes;
		last->count += count;
		return 0;
	}
	if (!ARRAY_ROOM(s->list, s->room, s->count + 1, 256))
		return TRK_ERR_NOMEM;
	s->list[s->count++] = (struct alike_stack){ .node = node, .bytes = bytes, .count = count };
	return 0;
}

static int by_node(const void *left, const void *right)
{
	const struct alike_stack *const a = left, *const b = right;

	return a->node < b->node ? -1 : a->node > b->node;
}

static bool passes(struct report *r, uint32_t process, uint32_t node)
{
	size_t n;
	const struct source_frame *const frames = group_frames(r->stacks, node, &n);

	return !r->filters.count || filters_pass(&r->filters, frames, n, process, 0);
}

int stack_rows_settle(struct stack_rows *s, struct report *r, uint32_t process, uint32_t depth)
{
	size_t kept = 0;

	if (!s->count && !ARRAY_ROOM(s->list, s->room, 1u, 1))
		return TRK_ERR_NOMEM;
	qsort(s->list, s->count, sizeof(*s->list), by_node);
	for (size_t i = 0, end; i < s->count; i = end) {
		struct alike_stack sum = s->list[i];

		for (end = i + 1; end < s->count && s->list[end].node == sum.node; end++) {
			sum.bytes += s->list[end].bytes;
			sum.count += s->list[end].count;
		}
		if (passes(r, process, sum.node))
			s->list[kept++] = sum;
	}
	s->count = kept;
	if (alike_join(r->stacks, s->list, &s->count) < 0)
		return TRK_ERR_NOMEM;
	return alike_fold(&s->folds, r->stacks, s->list, s->count, depth);
}

int stack_rows_find_paths(const struct stack_rows *s, const struct report *r, struct short_paths *paths)
{
	int err = 0;

	for (size_t i = 0; i < s->shown && !err; i++) {
		size_t n;
		const struct source_frame *const frames = group_frames(r->stacks, s->folds.items[i].node, &n);

		for (size_t j = 0; j < n && !err; j++)
			err = short_paths_add(paths, frames[j].has_source ? frames[j].file : frames[j].module);
	}
	return err;
}

uint64_t stack_rows_rest(const struct stack_rows *s)
{
	uint64_t bytes = 0;

	for (size_t i = s->shown; i < s->folds.count; i++)
		bytes += s->folds.items[i].bytes;
	return bytes;
}

void stack_rows_describe(const struct stack_rows *s, const struct report *r, struct emit *e, const char *kind, const struct stack_shown *how)
{
	for (size_t i = 0; i < s->shown; i++) {
		const struct alike_stack *const row = &s->folds.items[i];
		const struct traceback_calls calls = {
			.depth = how->depth,
			.least_frames = row->least_frames,
			.most_frames = row->frames,
			.sources = how->sources,
			.paths = how->paths,
			.not_after = (int64_t)(r->capture->header.start_unix_ns / 1000000000),
		};
		size_t n;
		const struct source_frame *const frames = group_frames(r->stacks, row->node, &n);
		char *const folded = traceback_folded(e, frames, n);

		emit_row_begin(e, (struct emit_value[]){ emit_words(kind), emit_size(row->bytes), emit_count(row->count), emit_optional(folded) });
		traceback_emit_calls(e, "stack", frames, n, &calls);
		emit_end(e);
		free(folded);
	}
}

void stack_rows_finish(struct stack_rows *s)
{
	free(s->list);
	alike_finish(&s->folds);
	*s = (struct stack_rows){ 0 };
}
