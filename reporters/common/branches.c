/* branches - see branches.h. */
#include "common/branches.h"

#include <stdlib.h>
#include <string.h>

#include "common/group.h"

/* Of deeper stacks the oldest frames are left out: a hostile capture has stacks without end. */
#define DEPTH_MAX 2048

/* ---- the biggest stacks ---- */

static int bigger_stack(const void *left, const void *right)
{
	const struct branch_stack *const a = left, *const b = right;

	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	return a->node < b->node ? -1 : a->node > b->node;
}

static void sum_row(const struct report *of, struct branches *t, struct branch_stack *sums, const struct view_row *r)
{
	size_t n;
	const struct source_frame *const frames = group_frames(of->stacks, r->node, &n);

	if (!filters_pass(&of->filters, frames, n, r->domain))
		return;
	sums[r->node].bytes += r->bytes;
	sums[r->node].count += r->count;
	t->bytes += r->bytes;
	t->count += r->count;
	const struct sampling_error error = view_error(&of->view, r);
	sampling_join(&t->error, &error);
}

static int sum_stacks(const struct report *r, struct branches *t)
{
	const size_t nodes = (size_t)r->capture->node_count + 1;
	struct branch_stack *const sums = calloc(nodes, sizeof(*sums));

	if (!sums)
		return TRK_ERR_NOMEM;
	for (size_t i = 0; i < r->view.row_count; i++)
		sum_row(r, t, sums, &r->view.rows[i]);
	for (size_t i = 0; i < nodes; i++) {
		if (sums[i].bytes == 0 && sums[i].count == 0)
			continue;
		sums[t->stack_count] = sums[i];
		sums[t->stack_count++].node = (uint32_t)i;
	}
	qsort(sums, t->stack_count, sizeof(*sums), bigger_stack);
	t->stacks = sums;
	return 0;
}

/* ---- the tree ---- */

static int branch_new(struct branches *t, const char *function, const char *file, uint32_t line,
		      uint32_t *ret)
{
	if (t->branch_count == t->branch_room) {
		const size_t room = t->branch_room ? t->branch_room * 2 : 256;
		struct branch *const bigger = realloc(t->branches, room * sizeof(*bigger));
		if (!bigger)
			return TRK_ERR_NOMEM;
		t->branches = bigger;
		t->branch_room = room;
	}
	struct branch *const b = &t->branches[t->branch_count];
	*b = (struct branch){
		.function = strdup(function),
		.file = strdup(file),
		.line = line,
		.child = BRANCH_NONE,
		.next = BRANCH_NONE,
	};
	*ret = (uint32_t)t->branch_count++;
	return b->function && b->file ? 0 : TRK_ERR_NOMEM;
}

static bool is_of(const struct branch *b, const struct source_frame *f)
{
	return b->line == f->line && strcmp(b->function, f->function) == 0 &&
	       strcmp(b->file, f->file) == 0;
}

/* The child of `parent` for this frame, moved to the front: stacks that follow are alike. */
static int descend(struct branches *t, uint32_t parent, const struct source_frame *f, uint32_t *ret)
{
	uint32_t before = BRANCH_NONE, child = t->branches[parent].child;

	while (child != BRANCH_NONE && !is_of(&t->branches[child], f)) {
		before = child;
		child = t->branches[child].next;
	}
	if (child == BRANCH_NONE) {
		if (branch_new(t, f->function, f->file, f->line, &child) < 0)
			return TRK_ERR_NOMEM;
		before = BRANCH_NONE;
	} else if (before == BRANCH_NONE) {
		*ret = child;
		return 0;
	} else {
		t->branches[before].next = t->branches[child].next;
	}
	t->branches[child].next = t->branches[parent].child;
	t->branches[parent].child = child;
	*ret = child;
	return 0;
}

static void add_to(struct branch *b, const struct branch_stack *s)
{
	b->bytes += s->bytes;
	b->count += s->count;
}

static int insert(struct stacks *stacks, struct branches *t, const struct branch_stack *s)
{
	size_t n;
	const struct source_frame *const frames = group_frames(stacks, s->node, &n);
	uint32_t at = 0;

	while (t->hides_runtime && n > 1 && frames[n - 1].runtime)
		n--;
	if (n > DEPTH_MAX)
		n = DEPTH_MAX;
	add_to(&t->branches[0], s);
	while (n--) {
		if (descend(t, at, &frames[n], &at) < 0)
			return TRK_ERR_NOMEM;
		add_to(&t->branches[at], s);
	}
	t->branches[at].own += s->bytes;
	return 0;
}

static bool is_before(const struct branch *a, const struct branch *b)
{
	if (a->bytes != b->bytes)
		return a->bytes > b->bytes;
	const int file = strcmp(a->file, b->file);
	return file ? file < 0 : a->line < b->line;
}

/* Merge sort of a list of siblings: biggest first. */
static uint32_t sort_siblings(struct branch *all, uint32_t first)
{
	uint32_t slow = first, fast, head = BRANCH_NONE, *tail = &head;

	if (first == BRANCH_NONE || all[first].next == BRANCH_NONE)
		return first;
	for (fast = all[first].next; fast != BRANCH_NONE && all[fast].next != BRANCH_NONE;) {
		slow = all[slow].next;
		fast = all[all[fast].next].next;
	}
	uint32_t b = all[slow].next, a;
	all[slow].next = BRANCH_NONE;
	a = sort_siblings(all, first);
	b = sort_siblings(all, b);
	while (a != BRANCH_NONE && b != BRANCH_NONE) {
		uint32_t *const from = is_before(&all[b], &all[a]) ? &b : &a;
		*tail = *from;
		tail = &all[*from].next;
		*from = *tail;
	}
	*tail = a != BRANCH_NONE ? a : b;
	return head;
}

int branches_find(struct branches *t, const struct report *r, size_t biggest)
{
	uint32_t root;
	int err = sum_stacks(r, t);

	t->shown = biggest && biggest < t->stack_count ? biggest : t->stack_count;
	if (!err)
		err = branch_new(t, "<ROOT>", "", 0, &root);
	for (size_t i = 0; i < t->shown && !err; i++)
		err = insert(r->stacks, t, &t->stacks[i]);
	for (size_t i = 0; i < t->branch_count; i++)
		t->branches[i].child = sort_siblings(t->branches, t->branches[i].child);
	return err;
}

void branches_finish(struct branches *t)
{
	for (size_t i = 0; i < t->branch_count; i++) {
		free(t->branches[i].function);
		free(t->branches[i].file);
	}
	free(t->branches);
	free(t->stacks);
}
