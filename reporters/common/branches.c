/* branches - see branches.h. */
#include "common/branches.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "common/group.h"
#include "format/array.h"
#include "format/mix.h"

/* The oldest frames of deeper stacks are left out: a hostile capture has stacks without end. */
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

/* By its name as it is shown, by the whole name, or by what stands behind the last "::". */
static bool is_function(const char *pattern, const struct source_frame *f)
{
	const char *last = NULL;

	for (const char *at = strstr(f->function, "::"); at; at = strstr(at + 2, "::"))
		last = at + 2;
	return *f->function && (!fnmatch(pattern, f->function, 0) || !fnmatch(pattern, f->full_function ? f->full_function : "", 0) ||
				(last && !fnmatch(pattern, last, 0)));
}

/* The oldest of the frames that are the function, so that recursion counts once; n: none is. */
static size_t place_of(const char *pattern, const struct source_frame *frames, size_t n)
{
	for (size_t i = n; i-- > 0;)
		if (is_function(pattern, &frames[i]))
			return i;
	return n;
}

static bool has_function(const struct branches *t, struct stacks *stacks, uint32_t node)
{
	size_t n;
	const struct source_frame *const frames = t->function ? group_frames(stacks, node, &n) : NULL;

	return !frames || place_of(t->function, frames, n) < n;
}

static void sum_row(const struct report *of, struct branches *t, struct branch_stack *sums, const struct view_row *r)
{
	size_t n;
	const struct source_frame *const frames = group_frames(of->stacks, r->node, &n);

	if (!filters_pass(&of->filters, frames, n, r->process, r->domain))
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
		if ((sums[i].bytes == 0 && sums[i].count == 0) || !has_function(t, r->stacks, (uint32_t)i))
			continue;
		t->found_bytes += sums[i].bytes;
		t->found_count += sums[i].count;
		sums[t->stack_count] = sums[i];
		sums[t->stack_count++].node = (uint32_t)i;
	}
	qsort(sums, t->stack_count, sizeof(*sums), bigger_stack);
	t->stacks = sums;
	return 0;
}

/* ---- the tree ---- */

static bool is_of(const struct branch_call *b, const struct source_frame *f)
{
	return b->line == f->line && strcmp(b->function, f->function) == 0 && strcmp(b->file, f->file) == 0;
}

static int call_new(struct branches *t, uint32_t hash, const struct source_frame *f)
{
	if (!idmap_reserve(&t->by_call) || !ARRAY_ROOM(t->calls, t->call_room, t->call_count + 1, 64))
		return TRK_ERR_NOMEM;
	struct branch_call *const b = &t->calls[t->call_count++];
	*b = (struct branch_call){ .function = strdup(f->function), .file = strdup(f->file), .line = f->line };
	if (!b->function || !b->file)
		return TRK_ERR_NOMEM;
	idmap_add(&t->by_call, hash, (uint32_t)t->call_count);
	return 0;
}

static int call_of(struct branches *t, const struct source_frame *f, uint32_t *ret)
{
	const uint64_t file = trk_mix(trk_mix_bytes(f->file, strlen(f->file)), f->line);
	const uint32_t hash = (uint32_t)trk_mix(trk_mix_bytes(f->function, strlen(f->function)), file);
	uint32_t at = hash, id;

	while ((id = idmap_next(&t->by_call, hash, &at))) {
		*ret = id - 1;
		if (is_of(&t->calls[*ret], f))
			return 0;
	}
	*ret = (uint32_t)t->call_count;
	return call_new(t, hash, f);
}

/* Moves *at to its child for that frame. */
static int descend(struct branches *t, const struct source_frame *f, uint32_t *at)
{
	const size_t before = t->tree.count;
	uint32_t call;

	if (call_of(t, f, &call) < 0 || !ARRAY_ROOM(t->branches, t->branch_room, before + 1, 256) ||
	    stack_tree_child(&t->tree, *at, call, at) < 0)
		return TRK_ERR_NOMEM;
	if (t->tree.count > before)
		t->branches[*at] = (struct branch){ 0 };
	return 0;
}

/* The root is no call, and has the item of the first call. */
static int start(struct branches *t)
{
	static const struct source_frame root = { .function = "<ROOT>", .file = "" };
	uint32_t call;

	if (call_of(t, &root, &call) < 0 || !ARRAY_ROOM(t->branches, t->branch_room, 1, 256))
		return TRK_ERR_NOMEM;
	t->branches[0] = (struct branch){ 0 };
	return stack_tree_init(&t->tree);
}

static void add_to(struct branch *b, const struct branches *t, const struct branch_stack *s)
{
	b->last = (size_t)(s - t->stacks);
	b->bytes += s->bytes;
	b->count += s->count;
}

static int add_path(struct branches *t, const struct source_frame *frames, size_t n, bool down, const struct branch_stack *s)
{
	uint32_t at = 0;

	if (n > DEPTH_MAX) {
		if (t->way == BRANCHES_CALLEES)
			frames += n - DEPTH_MAX; /* the function, which is the oldest of them, stays */
		n = DEPTH_MAX;
	}
	add_to(&t->branches[0], t, s);
	for (size_t i = 0; i < n; i++) {
		if (descend(t, &frames[down ? n - 1 - i : i], &at) < 0)
			return TRK_ERR_NOMEM;
		add_to(&t->branches[at], t, s);
		if ((t->way == BRANCHES_UP && i == 0) || (down && i == n - 1))
			t->branches[at].own += s->bytes;
	}
	if (!n)
		t->branches[0].own += s->bytes;
	return 0;
}

static int insert(struct stacks *stacks, struct branches *t, const struct branch_stack *s)
{
	size_t n;
	const struct source_frame *const frames = group_frames(stacks, s->node, &n);
	const size_t place = t->function ? place_of(t->function, frames, n) : 0;

	while (t->hides_runtime && n > place + 1 && frames[n - 1].runtime)
		n--;
	switch (t->way) {
	case BRANCHES_DOWN:
		return add_path(t, frames, n, true, s);
	case BRANCHES_UP:
		return add_path(t, frames, n, false, s);
	case BRANCHES_CALLEES:
		return add_path(t, frames, place + 1, true, s);
	default:
		return add_path(t, frames + place, n - place, false, s);
	}
}

/* Of nodes that are equal in everything, the one to which a stack was added last comes first. */
static int biggest_first(const void *left, const void *right, void *data)
{
	const struct branches *const t = data;
	const uint32_t i = *(const uint32_t *)left, j = *(const uint32_t *)right;
	const struct branch *const a = &t->branches[i], *const b = &t->branches[j];
	const struct branch_call *const x = &t->calls[t->tree.nodes[i].item], *const y = &t->calls[t->tree.nodes[j].item];

	if (a->bytes != b->bytes)
		return a->bytes > b->bytes ? -1 : 1;
	const int file = strcmp(x->file, y->file);
	if (file)
		return file;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return a->last > b->last ? -1 : a->last < b->last;
}

int branches_find(struct branches *t, const struct report *r, size_t biggest)
{
	int err = sum_stacks(r, t);

	t->shown = biggest && biggest < t->stack_count ? biggest : t->stack_count;
	if (!err)
		err = start(t);
	for (size_t i = 0; i < t->shown && !err; i++)
		err = insert(r->stacks, t, &t->stacks[i]);
	return err ? err : stack_tree_sort(&t->tree, biggest_first, t);
}

void branches_finish(struct branches *t)
{
	for (size_t i = 0; i < t->call_count; i++) {
		free(t->calls[i].function);
		free(t->calls[i].file);
	}
	free(t->calls);
	idmap_finish(&t->by_call);
	stack_tree_finish(&t->tree);
	free(t->branches);
	free(t->stacks);
}
