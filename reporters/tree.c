/*
 * tracker-tree - the biggest allocating stacks of one point as a tree, callers
 * first. Chains without a branch are not indented.
 */
#include <stdlib.h>
#include <string.h>

#include "choice.h"
#include "filter.h"
#include "group.h"
#include "report.h"

/* Of deeper stacks the oldest frames are left out: a hostile capture has stacks without end. */
#define DEPTH_MAX 2048

static struct report_options common;
static struct choice_options choice = CHOICE_INIT;
static struct filter_options filtering;
static uint64_t biggest = 200;

static const struct ui_option options[] = {
	{ 'b', "biggest-allocs", UI_UINT, &biggest, "N", "stacks to show (default 200; 0: all)", 0, 0 },
	FILTER_OPTIONS(filtering),
	CHOICE_OPTIONS(choice),
	REPORT_STACK_OPTIONS(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-tree",
	.usage = "[options] CAPTURE[@POINT]",
	.summary = "The biggest allocating stacks as a tree, from callers down to allocators.",
	.details = REPORT_POINTS "\n"
		   "Examples:\n"
		   "  tracker tree app.bin\n"
		   "  tracker tree -b 20 --leaks app.bin\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

#define NONE UINT32_MAX

struct branch {
	char *function, *file;
	uint64_t bytes, count, own;
	uint32_t line, child, next; /* indices into branches */
};

struct stack_sum {
	uint32_t node;
	uint64_t bytes, count;
};

static struct tree {
	struct stack_sum *stacks; /* biggest first */
	size_t stack_count;
	struct branch *branches; /* 0: the root */
	size_t branch_count, branch_room;
	uint64_t bytes, count; /* of all stacks that passed the filters */
	struct sampling_error error; /* of these */
} found;

/* ---- the biggest stacks ---- */

static int bigger_stack(const void *left, const void *right)
{
	const struct stack_sum *const a = left, *const b = right;

	if (a->bytes != b->bytes)
		return a->bytes < b->bytes ? 1 : -1;
	if (a->count != b->count)
		return a->count < b->count ? 1 : -1;
	return a->node < b->node ? -1 : a->node > b->node;
}

static void sum_row(const struct report *of, struct tree *t, struct stack_sum *sums, const struct view_row *r)
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

static int sum_stacks(const struct report *r, struct tree *t)
{
	const size_t nodes = (size_t)r->capture->node_count + 1;
	struct stack_sum *const sums = calloc(nodes, sizeof(*sums));

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

static int branch_new(struct tree *t, const char *function, const char *file, uint32_t line,
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
	*b = (struct branch){ .function = strdup(function), .file = strdup(file), .line = line,
			      .child = NONE, .next = NONE };
	*ret = (uint32_t)t->branch_count++;
	return b->function && b->file ? 0 : TRK_ERR_NOMEM;
}

static bool is_of(const struct branch *b, const struct source_frame *f)
{
	return b->line == f->line && strcmp(b->function, f->function) == 0 &&
	       strcmp(b->file, f->file) == 0;
}

/* The child of `parent` for this frame, moved to the front: stacks that follow are alike. */
static int descend(struct tree *t, uint32_t parent, const struct source_frame *f, uint32_t *ret)
{
	uint32_t before = NONE, child = t->branches[parent].child;

	while (child != NONE && !is_of(&t->branches[child], f)) {
		before = child;
		child = t->branches[child].next;
	}
	if (child == NONE) {
		if (branch_new(t, f->function, f->file, f->line, &child) < 0)
			return TRK_ERR_NOMEM;
		before = NONE;
	} else if (before == NONE) {
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

static void add_to(struct branch *b, const struct stack_sum *s)
{
	b->bytes += s->bytes;
	b->count += s->count;
}

static int insert(struct stacks *stacks, struct tree *t, const struct stack_sum *s)
{
	size_t n;
	const struct source_frame *const frames = group_frames(stacks, s->node, &n);
	uint32_t at = 0;

	while (!common.no_skip && n > 1 && frames[n - 1].runtime)
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

static size_t shown(const struct tree *t)
{
	return biggest && biggest < t->stack_count ? (size_t)biggest : t->stack_count;
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
	uint32_t slow = first, fast, head = NONE, *tail = &head;

	if (first == NONE || all[first].next == NONE)
		return first;
	for (fast = all[first].next; fast != NONE && all[fast].next != NONE;) {
		slow = all[slow].next;
		fast = all[all[fast].next].next;
	}
	uint32_t b = all[slow].next, a;
	all[slow].next = NONE;
	a = sort_siblings(all, first);
	b = sort_siblings(all, b);
	while (a != NONE && b != NONE) {
		uint32_t *const from = is_before(&all[b], &all[a]) ? &b : &a;
		*tail = *from;
		tail = &all[*from].next;
		*from = *tail;
	}
	*tail = a != NONE ? a : b;
	return head;
}

static int find(struct report *r)
{
	struct tree *const t = &found;
	uint32_t root;
	int err = sum_stacks(r, t);

	if (!err)
		err = branch_new(t, "<ROOT>", "", 0, &root);
	for (size_t i = 0; i < shown(t) && !err; i++)
		err = insert(r->stacks, t, &t->stacks[i]);
	for (size_t i = 0; i < t->branch_count; i++)
		t->branches[i].child = sort_siblings(t->branches, t->branches[i].child);
	return err;
}

/* ---- what is said of it ---- */

enum column { NAME, FILE_NAME, LINE, SIZE, OWN, COUNT, SHARE, WHAT, WHERE, SHOWN_LINE, COLUMNS };

static const struct emit_column columns[COLUMNS] = {
	[NAME] = { "name" }, [FILE_NAME] = { "file" }, [LINE] = { "line" }, [SIZE] = { "size" }, [OWN] = { "own" }, [COUNT] = { "count" },
	[SHARE] = { "percent" }, [WHAT] = { "what", EMIT_FOR_PEOPLE }, [WHERE] = { "where", EMIT_FOR_PEOPLE },
	[SHOWN_LINE] = { "shown_line", EMIT_FOR_PEOPLE },
};

static const struct emit_table branches = {
	EMIT_TABLE("root", columns), .sentence = "{size} ({percent} %) {what}[  {where}][:{shown_line}]\n",
};

static struct emit_value share(uint64_t bytes)
{
	return emit_ratio(found.bytes ? 100.0 * (double)bytes / (double)found.bytes : 0);
}

static void describe_branch(struct emit *e, const char *key, const struct branch *b, bool only)
{
	const struct branch *const all = found.branches;
	const struct emit_value values[COLUMNS] = {
		[NAME] = emit_words(*b->function ? b->function : NULL), [FILE_NAME] = emit_words(*b->file ? b->file : NULL),
		[LINE] = emit_number(b->line), [SIZE] = emit_size(b->bytes), [OWN] = emit_size(b->own), [COUNT] = emit_count(b->count),
		[SHARE] = share(b->bytes), [WHAT] = emit_words(*b->function ? b->function : "<unknown>"),
		[WHERE] = emit_optional(*b->file ? b->file : NULL), [SHOWN_LINE] = *b->file && b->line ? emit_number(b->line) : emit_absent(),
	};
	const struct emit_branch branch = { values, .leaf = b->child == NONE, .only = only, .last = b->next == NONE };

	emit_branch(e, key, &branches, &branch);
	for (uint32_t c = b->child; c != NONE; c = all[c].next)
		describe_branch(e, NULL, &all[c], c == b->child && all[c].next == NONE);
	emit_end(e);
}

static void describe_elided(struct emit *e)
{
	const size_t elided = found.stack_count - shown(&found);
	const uint64_t bytes = found.bytes - found.branches[0].bytes, count = found.count - found.branches[0].count;

	emit_group(e, "elided");
	emit_figure(e, "stacks", emit_count(elided));
	emit_figure(e, "size", emit_size(bytes));
	emit_figure(e, "count", emit_count(count));
	emit_end(e);
	emit_aside(e, "elided_percent", share(bytes));
}

static int describe(struct report *r, struct emit *e)
{
	const uint64_t every = r->view.sample_bytes;
	const struct sampled_margin m = sampled_margin(every, &found.error);

	emit_figure(e, "capture", emit_words(r->capture->path));
	report_figures(e, r);
	choice_figures(e, "point", &r->asked, &r->view);
	emit_figure(e, "total_size", emit_about(emit_size(found.bytes), every, m.bytes));
	emit_figure(e, "total_count", emit_about(emit_count(found.count), every, m.count));
	sampled_figure(e, every);
	describe_elided(e);
	domains_figures(&r->domains, e);
	sampled_say(e, &r->view, &r->asked);
	describe_branch(e, "root", &found.branches[0], true);
	if (shown(&found) < found.stack_count)
		emit_say(e, "\n{elided.stacks} smaller stacks elided: {elided.size} ({elided_percent} %) in {elided.count} blocks; "
			    "-b 0 shows all\n");
	domains_say(&r->domains, e, "Domain ", "block");
	return 0;
}

static void finish(void)
{
	for (size_t i = 0; i < found.branch_count; i++) {
		free(found.branches[i].function);
		free(found.branches[i].file);
	}
	free(found.branches);
	free(found.stacks);
}

int main(int argc, char **argv)
{
	static const struct report_kind kind = {
		.command = &command, .schema = "tracker.tree", .table = "root", .common = &common, .choice = &choice,
		.filtering = &filtering, .find = find, .describe = describe, .finish = finish,
	};

	return report_main(&kind, argc, argv);
}
