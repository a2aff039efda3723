/*
 * tracker-tree - the biggest allocating stacks of one point as a tree, callers
 * first. Chains without a branch are not indented.
 */
#include "common/branches.h"
#include "common/selection.h"
#include "common/filter.h"
#include "common/report.h"

static struct report_options common;
static struct selection_options selection = SELECTION_INIT;
static struct filter_options filtering;
static uint64_t biggest = 200;

static const struct ui_option options[] = {
	{ 'b', "biggest-allocs", UI_UINT, &biggest, "N", "stacks to show (default 200; 0: all)", 0, 0 },
	FILTER_OPTIONS(filtering),
	SELECTION_OPTIONS(selection),
	REPORT_STACK_OPTIONS(common),
	REPORT_CSV_OPTION(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-tree",
	.usage = "[options] CAPTURE[@POINT]",
	.summary = "Prints the biggest allocating stacks as a tree, from callers down to allocators.",
	.details = REPORT_POINTS "\n"
				 "Examples:\n"
				 "  tracker tree app.bin\n"
				 "  tracker tree -b 20 --leaks app.bin\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

static struct branches found;

static int find(struct report *r)
{
	found.hides_runtime = !common.no_skip;
	return branches_find(&found, r, (size_t)biggest);
}

/* ---- what is said of it ---- */

enum column {
	NAME,
	FILE_NAME,
	LINE,
	SIZE,
	OWN,
	COUNT,
	SHARE,
	WHAT,
	WHERE,
	SHOWN_LINE,
	COLUMNS,
};

static const struct emit_column columns[COLUMNS] = {
	[NAME] = { "name" },
	[FILE_NAME] = { "file" },
	[LINE] = { "line" },
	[SIZE] = { "size" },
	[OWN] = { "own" },
	[COUNT] = { "count" },
	[SHARE] = { "percent" },
	[WHAT] = { "what", EMIT_FOR_PEOPLE },
	[WHERE] = { "where", EMIT_FOR_PEOPLE },
	[SHOWN_LINE] = { "shown_line", EMIT_FOR_PEOPLE },
};

static const struct emit_table table = {
	EMIT_TABLE("root", columns),
	.sentence = "{size} ({percent:share} %) {what}[  {where}][:{shown_line}]\n",
};

static struct emit_value share(uint64_t bytes)
{
	return emit_ratio(found.bytes ? 100.0 * (double)bytes / (double)found.bytes : 0);
}

static void describe_branch(struct emit *e, const char *key, uint32_t node, bool only, bool last)
{
	const struct stack_tree *const tree = &found.tree;
	const uint32_t first = tree->child_start[node], end = tree->child_start[node + 1];
	const struct branch *const b = &found.branches[node];
	const struct branch_call *const call = &found.calls[tree->nodes[node].item];

	const struct emit_value values[COLUMNS] = {
		[NAME] = emit_words(*call->function ? call->function : NULL),
		[FILE_NAME] = emit_words(*call->file ? call->file : NULL),
		[LINE] = emit_number(call->line),
		[SIZE] = emit_size(b->bytes),
		[OWN] = emit_size(b->own),
		[COUNT] = emit_count(b->count),
		[SHARE] = share(b->bytes),
		[WHAT] = emit_words(*call->function ? call->function : "<unknown>"),
		[WHERE] = emit_optional(*call->file ? call->file : NULL),
		[SHOWN_LINE] = *call->file && call->line ? emit_number(call->line) : emit_absent(),
	};
	const struct emit_branch branch = { values, .leaf = first == end, .only = only, .last = last };

	emit_branch(e, key, &table, &branch);
	for (uint32_t i = first; i < end; i++)
		describe_branch(e, NULL, tree->children[i], end - first == 1, i + 1 == end);
	emit_end(e);
}

static void describe_elided(struct emit *e)
{
	const size_t elided = found.stack_count - found.shown;
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
	selection_figures(e, "point", &r->asked, &r->view);
	emit_figure(e, "total_size", emit_about(emit_size(found.bytes), every, m.bytes));
	emit_figure(e, "total_count", emit_about(emit_count(found.count), every, m.count));
	sampled_figure(e, every);
	describe_elided(e);
	domains_figures(&r->domains, e);
	sampled_say(e, &r->view, &r->asked);
	describe_branch(e, "root", 0, true, true);
	if (found.shown < found.stack_count)
		emit_say(e, "\n{elided.stacks} smaller stacks elided: {elided.size} ({elided_percent} %) in {elided.count} blocks; "
			    "-b 0 shows all\n");
	domains_say(&r->domains, e, "Domain ", "block");
	return 0;
}

static void finish(void)
{
	branches_finish(&found);
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
		.find = find,
		.describe = describe,
		.finish = finish,
	};

	return report_main(&kind, argc, argv);
}
