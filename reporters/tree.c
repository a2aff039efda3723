/*
 * tracker-tree - the allocating stacks of one point as a tree, callers first or last, or around one function. People see what is large
 * enough, and a chain without a branch as one line.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/branches.h"
#include "common/selection.h"
#include "common/filter.h"
#include "common/report.h"
#include "common/short_paths.h"

#define CHAIN 4 /* calls that people see of a chain */
#define SHARE 1 /* percent that a branch has, at least */
#define SHARE_UNSET UINT64_MAX
#define LINES (REPORT_LINES - 8) /* of branches: others say what is missing */

static struct report_options common;
static struct selection_options selection = SELECTION_INIT;
static struct filter_options filtering;
static uint64_t limit = REPORT_LIMIT_UNSET, min_share = SHARE_UNSET, depth = CHAIN;
static bool inverted;
static const char *function;
static struct short_paths paths;

static const struct ui_option options[] = {
	{ 'n', "limit", UI_UINT, &limit, "N",
	  "show the N biggest stacks, whatever their share (default: what holds at least 1 %, on at most 60 lines; 0: all)", 0, 0 },
	{ 'b', "biggest-allocs", UI_UINT, &limit, "N", "the same as --limit", 0, 0 },
	{ 0, "min-share", UI_UINT, &min_share, "PERCENT", "leave out branches with less than this share (default 1)", 0, 100 },
	{ 0, "depth", UI_UINT, &depth, "N", "calls to print of a chain without a branch (default 4; 0: all)", 0, UINT32_MAX },
	{ 0, "inverted", UI_FLAG, &inverted, NULL, "begin with the functions that allocate, their callers below them", 0, 0 },
	{ 0, "function", UI_STRING, &function, "PATTERN", "show who calls the functions that match, and what they call", 0, 0 },
	SHORT_PATHS_OPTION(paths),
	FILTER_OPTIONS(filtering),
	SELECTION_OPTIONS(selection),
	REPORT_THREAD_OPTION(common),
	REPORT_STACK_OPTIONS(common),
	REPORT_CSV_OPTION(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-tree",
	.usage = "[options] CAPTURE[@POINT]",
	.summary = "Prints the allocating stacks as a tree, from callers down to allocators.",
	.details = REPORT_POINTS "\n"
				 "Examples:\n"
				 "  tracker tree app.bin\n"
				 "  tracker tree -n 20 --leaks app.bin\n"
				 "  tracker tree --inverted --temporary-allocations app.bin\n"
				 "  tracker tree --function 'parse*' app.bin\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

static struct branches found, callers; /* callers: with --function */
static double least_share; /* percent: what people see */

/* ---- what is large enough ---- */

static double share_of(uint64_t bytes)
{
	return found.bytes ? 100.0 * (double)bytes / (double)found.bytes : 0;
}

static bool is_shown(const struct branches *t, uint32_t node)
{
	return least_share <= 0 || (t->branches[node].bytes && share_of(t->branches[node].bytes) >= least_share);
}

struct below { /* what hangs below a branch and is large enough: */
	uint32_t count, first; /* children are sorted: the others come behind */
	bool chain; /* all of the branch is in its only child; but for what is too small to be shown */
};

static struct below below(const struct branches *t, uint32_t node)
{
	const uint32_t first = t->tree.child_start[node], end = t->tree.child_start[node + 1];
	struct below b = { .first = first };

	while (first + b.count < end && is_shown(t, t->tree.children[first + b.count]))
		b.count++;
	if (b.count == 1 && node) {
		const struct branch *const parent = &t->branches[node], *const child = &t->branches[t->tree.children[first]];

		b.chain = least_share > 0 ? share_of(parent->bytes - child->bytes) < least_share :
					    parent->bytes == child->bytes && parent->count == child->count;
	}
	return b;
}

/* Lines of what hangs below the branch. */
static uint32_t lines_below(const struct branches *t, uint32_t node)
{
	const struct below b = below(t, node);
	uint32_t lines = b.chain ? 0 : b.count;

	for (uint32_t i = 0; i < b.count; i++)
		lines += lines_below(t, t->tree.children[b.first + i]);
	return lines;
}

/* More is left out until the rest has few enough lines; not if the user says what to show. */
static void bound(void)
{
	least_share = min_share != SHARE_UNSET ? (double)min_share : limit == REPORT_LIMIT_UNSET ? SHARE :
												   0;
	if (min_share != SHARE_UNSET || limit != REPORT_LIMIT_UNSET || report_form(&common))
		return;
	while (least_share < 100 && lines_below(&found, 0) + (function ? lines_below(&callers, 0) : 0) > LINES)
		least_share *= 1.25;
}

static void check(struct report *r)
{
	(void)r;
	ui_exclude("--inverted", inverted, "--function", function != NULL);
}

static int find(struct report *r)
{
	const size_t biggest = limit == REPORT_LIMIT_UNSET ? 0 : (size_t)limit;
	int err;

	found.hides_runtime = callers.hides_runtime = !common.no_skip;
	found.function = callers.function = function;
	found.way = function ? BRANCHES_CALLEES : inverted ? BRANCHES_UP :
							     BRANCHES_DOWN;
	callers.way = BRANCHES_CALLERS;
	err = branches_find(&found, r, biggest);
	if (!err && function)
		err = branches_find(&callers, r, biggest);
	if (!err)
		bound();
	return err;
}

/* ---- what is said of it ---- */

enum column {
	NAME,
	FILE_NAME,
	LINE,
	SIZE,
	OWN,
	COUNT,
	SHARE_COLUMN,
	WHAT,
	COLUMNS,
};

static const struct emit_column columns[COLUMNS] = {
	[NAME] = { "name" },
	[FILE_NAME] = { "file" },
	[LINE] = { "line" },
	[SIZE] = { "size" },
	[OWN] = { "own" },
	[COUNT] = { "count" },
	[SHARE_COLUMN] = { "percent" },
	[WHAT] = { "what", EMIT_FOR_PEOPLE },
};

static const struct emit_table table = {
	EMIT_TABLE("root", columns),
	.sentence = "{size} ({percent:share} %) {what}\n",
};

static struct emit_value share(uint64_t bytes)
{
	return emit_ratio(share_of(bytes));
}

static void describe_branch(struct emit *e, const struct branches *t, const char *key, uint32_t node)
{
	const struct stack_tree *const tree = &t->tree;
	const uint32_t first = tree->child_start[node], end = tree->child_start[node + 1];
	const struct branch *const b = &t->branches[node];
	const struct branch_call *const call = &t->calls[tree->nodes[node].item];

	const struct emit_value values[COLUMNS] = {
		[NAME] = emit_words(*call->function ? call->function : NULL),
		[FILE_NAME] = emit_words(*call->file ? call->file : NULL),
		[LINE] = emit_number(call->line),
		[SIZE] = emit_size(b->bytes),
		[OWN] = emit_size(b->own),
		[COUNT] = emit_count(b->count),
		[SHARE_COLUMN] = share(b->bytes),
	};
	const struct emit_branch branch = { values, .leaf = first == end };

	emit_branch(e, key, &table, &branch);
	for (uint32_t i = first; i < end; i++)
		describe_branch(e, t, NULL, tree->children[i]);
	emit_end(e);
}

static int add_paths(const struct branches *t, uint32_t node)
{
	const struct below b = below(t, node);
	int err = short_paths_add(&paths, t->calls[t->tree.nodes[node].item].file);

	for (uint32_t i = 0; i < b.count && !err; i++)
		err = add_paths(t, t->tree.children[b.first + i]);
	return err;
}

/* "libfoo.so.1!0x12a0" says in which file it is. */
static bool names_file(const char *name, const char *file)
{
	const size_t n = strlen(file);

	return strncmp(name, file, n) == 0 && name[n] == '!';
}

static void print_call(FILE *f, const struct branch_call *call)
{
	fputs(*call->function ? call->function : "<unknown>", f);
	if (*call->file && !names_file(call->function, short_paths_of(&paths, call->file)))
		fprintf(f, "  %s", short_paths_of(&paths, call->file));
	if (*call->file && call->line)
		fprintf(f, ":%" PRIu32, call->line);
}

/* The calls from `node` down to the end of its chain, which it returns. Of a long one the first and the last ones are printed. */
static uint32_t print_chain(FILE *f, const struct branches *t, uint32_t node)
{
	const uint64_t most = depth ? depth : UINT64_MAX;
	uint64_t length = 1, at = 1;
	struct below b;

	for (uint32_t n = node; (b = below(t, n)).chain; n = t->tree.children[b.first])
		length++;
	for (;; at++) {
		const bool hidden = length > most && at > 1 && at <= 1 + length - most;

		if (hidden && at == 2)
			fprintf(f, " > ... %" PRIu64 " more", length - most);
		if (!hidden && at > 1)
			fputs(" > ", f);
		if (!hidden)
			print_call(f, &t->calls[t->tree.nodes[node].item]);
		b = below(t, node);
		if (!b.chain)
			return node;
		node = t->tree.children[b.first];
	}
}

static char *chain_text(const struct branches *t, uint32_t *node)
{
	char *text = NULL;
	size_t size;
	FILE *const m = open_memstream(&text, &size);

	if (!m)
		return NULL;
	*node = print_chain(m, t, *node);
	return ui_memstream_end(m, &text);
}

/* For people. last: among those that hang where it hangs. */
static int draw_branch(struct emit *e, const struct branches *t, uint32_t node, bool last)
{
	const struct branch *const b = &t->branches[node];
	const bool root = node == 0;
	char *const text = chain_text(t, &node);
	const struct below below_it = below(t, node);
	const bool leaf = t->tree.child_start[node] == t->tree.child_start[node + 1];
	int err = text ? 0 : TRK_ERR_NOMEM;

	const struct emit_value values[COLUMNS] = {
		[SIZE] = emit_size(b->bytes),
		[SHARE_COLUMN] = share(b->bytes),
		[WHAT] = emit_words(text),
	};
	const struct emit_branch branch = { values, .leaf = leaf, .only = root, .last = last };

	if (!err)
		emit_branch(e, root ? "drawn" : NULL, &table, &branch);
	for (uint32_t i = 0; i < below_it.count && !err; i++)
		err = draw_branch(e, t, t->tree.children[below_it.first + i], i + 1 == below_it.count);
	if (text)
		emit_end(e);
	free(text);
	return err;
}

static int describe_tree(struct emit *e, const struct branches *t, const char *key)
{
	if (emit_people(e))
		return draw_branch(e, t, 0, true);
	describe_branch(e, t, key, 0);
	return 0;
}

/* ---- what is not shown ---- */

static void describe_elided(struct emit *e)
{
	const size_t elided = found.stack_count - found.shown;
	const uint64_t bytes = found.found_bytes - found.branches[0].bytes, count = found.found_count - found.branches[0].count;

	emit_group(e, "elided");
	emit_figure(e, "stacks", emit_count(elided));
	emit_figure(e, "size", emit_size(bytes));
	emit_figure(e, "count", emit_count(count));
	emit_end(e);
	emit_aside(e, "elided_percent", share(bytes));
}

/* What hangs below shown branches and is not shown itself; the roots of it. */
static struct branch hidden_below(const struct branches *t, uint32_t node, uint64_t *ret_branches)
{
	const struct below b = below(t, node);
	const uint32_t end = t->tree.child_start[node + 1];
	struct branch sum = { 0 };

	for (uint32_t i = b.first; i < b.first + b.count; i++) {
		const struct branch more = hidden_below(t, t->tree.children[i], ret_branches);

		sum.bytes += more.bytes;
		sum.count += more.count;
	}
	for (uint32_t i = b.first + b.count; i < end; i++) {
		sum.bytes += t->branches[t->tree.children[i]].bytes;
		sum.count += t->branches[t->tree.children[i]].count;
		++*ret_branches;
	}
	return sum;
}

static void say_hidden(struct emit *e, const struct branches *t)
{
	uint64_t branches = 0;
	const struct branch hidden = hidden_below(t, 0, &branches);

	emit_aside(e, "hidden", emit_count(branches));
	emit_aside(e, "hidden_size", emit_size(hidden.bytes));
	emit_aside(e, "hidden_count", emit_count(hidden.count));
	emit_aside(e, "hidden_percent", share(hidden.bytes));
	emit_aside(e, "least", emit_ratio(least_share));
	emit_aside(e, "branches", emit_words(branches == 1 ? "branch" : "branches"));
	if (branches)
		emit_say(e, "{hidden} smaller {branches:raw}, each below {least} %: {hidden_size} ({hidden_percent} %) in {hidden_count} block{hidden_count:s}; "
			    "-n 0 shows all\n");
}

static int describe_function(struct emit *e)
{
	int err;

	emit_figure(e, "function", emit_words(function));
	emit_figure(e, "function_size", emit_size(found.found_bytes));
	emit_figure(e, "function_count", emit_count(found.found_count));
	emit_say(e, "Callers of {function}:\n");
	err = describe_tree(e, &callers, "callers");
	say_hidden(e, &callers);
	emit_say(e, "\nCallees of {function}:\n");
	return err;
}

static int find_paths(void)
{
	int err = add_paths(&found, 0);

	if (function && !err)
		err = add_paths(&callers, 0);
	short_paths_settle(&paths);
	return err;
}

static int describe(struct report *r, struct emit *e)
{
	const uint64_t every = r->view.sample_bytes;
	const struct sampled_margin m = sampled_margin(every, &found.error);
	int err = 0;

	emit_figure(e, "capture", emit_words(r->capture->path));
	report_figures(e, r);
	selection_figures(e, "point", &r->asked, &r->view);
	emit_figure(e, "total_size", emit_about(emit_size(found.bytes), every, m.bytes));
	emit_figure(e, "total_count", emit_about(emit_count(found.count), every, m.count));
	sampled_figure(e, every);
	describe_elided(e);
	domains_figures(&r->domains, e);
	sampled_say(e, &r->view, &r->asked);
	if (emit_people(e))
		err = find_paths();
	if (function && !err)
		err = describe_function(e);
	if (!err)
		err = describe_tree(e, &found, "root");
	domains_say(&r->domains, e, "Domain ", "block");
	say_hidden(e, &found);
	if (found.shown < found.stack_count)
		emit_say(e, "{elided.stacks} smaller stacks elided: {elided.size} ({elided_percent} %) in {elided.count} blocks; "
			    "-n 0 shows all\n");
	return err;
}

static void finish(void)
{
	branches_finish(&found);
	branches_finish(&callers);
	short_paths_finish(&paths);
}

int main(int argc, char **argv)
{
	static const struct report_kind kind = {
		.command = &command,
		.schema = "tracker.tree",
		.table = "root",
		.common = &common,
		.selection = &selection,
		.filtering = &filtering,
		.check = check,
		.find = find,
		.describe = describe,
		.finish = finish,
	};

	return report_main(&kind, argc, argv);
}
