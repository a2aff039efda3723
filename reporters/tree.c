/*
 * tracker-tree - the biggest allocating stacks of one point as a tree, callers
 * first. Chains without a branch are not indented.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "choice.h"
#include "domains.h"
#include "filter.h"
#include "group.h"
#include "kept.h"
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

struct tree {
	struct report report;
	struct view view;
	struct view_options view_options;
	struct filters filters;
	struct stack_sum *stacks; /* biggest first */
	size_t stack_count;
	struct branch *branches; /* 0: the root */
	size_t branch_count, branch_room;
	uint64_t bytes, count; /* of all stacks that passed the filters */
	struct sampling_error error; /* of these */
	struct domains domains;
};

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

static void sum_row(struct tree *t, struct stack_sum *sums, const struct view_row *r)
{
	size_t n;
	const struct source_frame *const frames = group_frames(t->report.stacks, r->node, &n);

	if (!filters_pass(&t->filters, frames, n, r->domain))
		return;
	sums[r->node].bytes += r->bytes;
	sums[r->node].count += r->count;
	t->bytes += r->bytes;
	t->count += r->count;
	const struct sampling_error error = view_error(&t->view, r);
	sampling_join(&t->error, &error);
}

static int sum_stacks(struct tree *t)
{
	const size_t nodes = (size_t)t->report.capture->node_count + 1;
	struct stack_sum *const sums = calloc(nodes, sizeof(*sums));

	if (!sums)
		return TRK_ERR_NOMEM;
	for (size_t i = 0; i < t->view.row_count; i++)
		sum_row(t, sums, &t->view.rows[i]);
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

static int insert(struct tree *t, const struct stack_sum *s)
{
	size_t n;
	const struct source_frame *const frames = group_frames(t->report.stacks, s->node, &n);
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

static int build(struct tree *t)
{
	uint32_t root;
	int err = sum_stacks(t);

	if (!err)
		err = branch_new(t, "<ROOT>", "", 0, &root);
	for (size_t i = 0; i < shown(t) && !err; i++)
		err = insert(t, &t->stacks[i]);
	return err;
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

static double percent(const struct tree *t, uint64_t bytes)
{
	return t->bytes ? 100.0 * (double)bytes / (double)t->bytes : 0;
}

/* ---- text ---- */

struct drawing {
	const char *caller, *allocator, *branch, *last, *line, *gap;
};

static const struct drawing utf8 = {
	"\xf0\x9f\x93\x82 ", "\xf0\x9f\x93\x84 ",
	"\xe2\x94\x9c\xe2\x94\x80\xe2\x94\x80 ", "\xe2\x94\x94\xe2\x94\x80\xe2\x94\x80 ",
	"\xe2\x94\x82   ", "    ",
};
static const struct drawing ascii = { "+ ", "- ", "|-- ", "`-- ", "|   ", "    " };

struct printer {
	const struct tree *tree;
	FILE *file;
	const struct drawing *draw;
	const char *steps[DEPTH_MAX + 2]; /* what stands before a line, per branching */
	int depth;
};

static void print_steps(const struct printer *p)
{
	for (int i = 0; i < p->depth; i++)
		fputs(p->steps[i], p->file);
}

static void print_branch(const struct printer *p, const struct branch *b)
{
	char size[32];

	fprintf(p->file, "%s%s (%.2f %%) ", b->child == NONE ? p->draw->allocator : p->draw->caller,
		ui_size(size, sizeof(size), (int64_t)b->bytes, false), percent(p->tree, b->bytes));
	ui_text(p->file, *b->function ? b->function : "<unknown>");
	if (*b->file) {
		fputs("  ", p->file);
		ui_text(p->file, b->file);
		if (b->line)
			fprintf(p->file, ":%" PRIu32, b->line);
	}
	fputc('\n', p->file);
}

/* `b` and what hangs below it; the chain down to the next branching in this call. */
static void print_below(struct printer *p, const struct branch *b)
{
	const struct branch *const all = p->tree->branches;

	for (;;) {
		print_branch(p, b);
		if (b->child == NONE || all[b->child].next != NONE)
			break;
		b = &all[b->child];
		print_steps(p);
	}
	for (uint32_t c = b->child; c != NONE; c = all[c].next) {
		const bool last = all[c].next == NONE;
		print_steps(p);
		fputs(last ? p->draw->last : p->draw->branch, p->file);
		p->steps[p->depth++] = last ? p->draw->gap : p->draw->line;
		print_below(p, &all[c]);
		p->depth--;
	}
}

static void print_tree(const struct tree *t, FILE *f)
{
	struct printer p = { .tree = t, .file = f, .draw = ui_utf8() ? &utf8 : &ascii };
	const struct branch *const root = &t->branches[0];
	const size_t elided = t->stack_count - shown(t);
	char size[32], stacks[32], blocks[32];

	sampled_print(f, &t->view, &t->view_options);
	print_below(&p, root);
	if (elided)
		fprintf(f, "\n%s smaller stacks elided: %s (%.2f %%) in %s blocks; -b 0 shows all\n",
			ui_count(stacks, sizeof(stacks), elided),
			ui_size(size, sizeof(size), (int64_t)(t->bytes - root->bytes), false),
			percent(t, t->bytes - root->bytes),
			ui_count(blocks, sizeof(blocks), t->count - root->count));
	domains_print(&t->domains, f, "Domain ", "block");
}

/* ---- --json ---- */

static void json_branch(const struct tree *t, struct ui_json *j, const char *key,
			const struct branch *b)
{
	ui_json_object(j, key);
	ui_json_string(j, "name", *b->function ? b->function : NULL);
	ui_json_string(j, "file", *b->file ? b->file : NULL);
	ui_json_uint(j, "line", b->line);
	ui_json_uint(j, "size", b->bytes);
	ui_json_uint(j, "own", b->own);
	ui_json_uint(j, "count", b->count);
	ui_json_double(j, "percent", percent(t, b->bytes));
	ui_json_array(j, "children");
	for (uint32_t c = b->child; c != NONE; c = t->branches[c].next)
		json_branch(t, j, NULL, &t->branches[c]);
	ui_json_end(j);
	ui_json_end(j);
}

static void json_tree(const struct tree *t, FILE *f)
{
	const struct branch *const root = &t->branches[0];
	const struct sampled_margin m = sampled_margin(t->view.sample_bytes, &t->error);
	struct ui_json j;

	ui_json_init(&j, f, false);
	ui_json_begin_report(&j, "tracker.tree", 1);
	ui_json_string(&j, "capture", t->report.capture->path);
	report_json(&j, &t->report);
	choice_json(&j, "point", &t->view_options, &t->view);
	ui_json_uint(&j, "total_size", t->bytes);
	ui_json_uint(&j, "total_count", t->count);
	sampled_json(&j, t->view.sample_bytes);
	sampled_json_margin(&j, "total_size", t->view.sample_bytes, m.bytes);
	sampled_json_margin(&j, "total_count", t->view.sample_bytes, m.count);
	ui_json_object(&j, "elided");
	ui_json_uint(&j, "stacks", t->stack_count - shown(t));
	ui_json_uint(&j, "size", t->bytes - root->bytes);
	ui_json_uint(&j, "count", t->count - root->count);
	ui_json_end(&j);
	domains_json(&t->domains, &j);
	json_branch(t, &j, "root", root);
	ui_json_end(&j);
}

/* ---- the whole ---- */

static int write_report(struct tree *t, FILE *f)
{
	if (build(t) < 0 || domains_filtered(&t->domains, &t->view, t->report.stacks, &t->filters) < 0)
		return TRK_ERR_NOMEM;
	for (size_t i = 0; i < t->branch_count; i++)
		t->branches[i].child = sort_siblings(t->branches, t->branches[i].child);
	if (common.json)
		json_tree(t, f);
	else
		print_tree(t, f);
	return 0;
}

static int run(struct tree *t, const char *operand, FILE *f)
{
	int status = report_open(&t->report, operand, &common);

	if (status)
		return status;
	choice_apply(&choice, &t->report, &t->view_options);
	status = report_stacks(&t->report, &common);
	if (!status)
		status = report_view(&t->report, &t->view_options, &t->view);
	if (!status)
		kept_say(&t->report, "", &t->view_options, &t->view);
	if (!status)
		report_unnamed(&t->report, &t->view, &t->filters);
	if (!status && write_report(t, f) < 0) {
		ui_error("out of memory");
		status = UI_CANNOT;
	}
	return status;
}

static void finish(struct tree *t)
{
	for (size_t i = 0; i < t->branch_count; i++) {
		free(t->branches[i].function);
		free(t->branches[i].file);
	}
	free(t->branches);
	free(t->stacks);
	domains_finish(&t->domains);
	filters_finish(&t->filters);
	view_finish(&t->view);
	report_close(&t->report);
}

int main(int argc, char **argv)
{
	const int first = ui_parse(&command, argc, argv, false);
	struct tree t = { 0 };
	struct ui_output out;

	choice_check(&choice);
	filters_from_options(&t.filters, &filtering);
	int status = ui_output_open(&out, common.output, common.force);
	if (!status)
		status = run(&t, argv[first], out.file);
	if (!status)
		status = ui_output_close(&out);
	else
		ui_output_discard(&out);
	finish(&t);
	return status;
}
