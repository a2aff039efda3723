/*
 * tracker-table - the statistics of one point of a capture, line for line as
 * tracemalloc's Snapshot.statistics() prints them.
 */
#include <stdlib.h>

#include "common/block_list.h"
#include "common/selection.h"
#include "common/filter.h"
#include "common/pretty.h"
#include "common/report_groups.h"
#include "symbols/path.h"
#include "common/traceback.h"
#include "types/row_types.h"

#define ROWS 10 /* that people see */

static struct report_options common;
static struct selection_options selection = SELECTION_INIT;
static struct filter_options filtering;
static struct traceback_options traceback;
static const char by_default[] = "lineno", *group_by = by_default, *traceback_limit;
static bool cumulative, title, pretty, list;
static uint64_t limit = REPORT_LIMIT_UNSET;

static const struct ui_option options[] = {
	REPORT_GROUP_OPTIONS(group_by, cumulative),
	REPORT_LIMIT_OPTION(limit, 10),
	{ 0, "title", UI_FLAG, &title, NULL, "print [ Top N ] first", 0, 0 },
	{ 0, "pretty", UI_FLAG, &pretty, NULL, "print short names, source lines, the rest and the total", 0, 0 },
	{ 0, "list", UI_FLAG, &list, NULL, "print one line per block instead of groups", 0, 0 },
	{ 0, "traceback", UI_OPTIONAL_INT, &traceback_limit, "N",
	  "print each row's stack: the N most recent frames, or with -N the N oldest", 0, 0 },
	TRACEBACK_OPTIONS(traceback),
	FILTER_OPTIONS(filtering),
	SELECTION_OPTIONS(selection),
	REPORT_THREAD_OPTION(common),
	REPORT_STACK_OPTIONS(common),
	REPORT_CSV_OPTION(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-table",
	.usage = "[options] CAPTURE[@POINT]",
	.summary = "Prints statistics of the blocks that are live at one point; the default is the peak.",
	.details = REPORT_POINTS "\n"
				 "Examples:\n"
				 "  tracker table app.bin                     the 10 biggest lines at the peak\n"
				 "  tracker table -n 0 -g filename app.bin@end\n"
				 "  tracker table -g traceback -n 1 --traceback app.bin\n"
				 "  tracker table --filter '-/usr/*' --filter '+*.c,all_frames' app.bin\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

static struct grouping *groups;
static enum group_by by;
static struct row_types types;

static void check(struct report *r)
{
	ui_exclude("--list", list, "--pretty", pretty);
	ui_exclude("--list", list, "--cumulative", cumulative);
	ui_exclude("--list", list, "--group-by", group_by != by_default);
	ui_exclude(report_form(&common), report_form(&common), "--pretty", pretty);
	ui_exclude(report_form(&common), report_form(&common), "--title", title);
	ui_exclude("--list", list, "--title", title);
	by = group_by_check(group_by, cumulative);
	if (limit == REPORT_LIMIT_UNSET)
		limit = report_form(&common) ? 0 : ROWS;
	traceback_check(traceback_limit, report_form(&common), &traceback);
	ui_needs("--confidential-files", traceback.confidential_files != NULL, "--traceback or --pretty",
		 traceback.wanted || pretty);
	if (pretty)
		filters_add(&r->filters, "-<unknown>");
}

static void ask(struct report *r)
{
	group_by_view(by, &r->asked);
	if (by == GROUP_TYPE)
		row_types_ask(r);
	if (list)
		block_list_ask(&r->asked);
}

static int find(struct report *r)
{
	const struct group_options o = { .by = by };
	struct group_source from = report_groups(r, cumulative);
	int err;

	if (list)
		return block_list_find(&r->view, &r->asked);
	from.each_type = row_types_each;
	from.types = &types;
	err = by == GROUP_TYPE ? row_types_find(&types, r) : 0;
	if (err)
		return err;
	if (grouping_new(&groups, &o) < 0 || grouping_add(groups, GROUP_NEW, &from) < 0)
		return TRK_ERR_NOMEM;
	grouping_sort(groups);
	return 0;
}

static size_t shown(size_t rows)
{
	return limit && limit < rows ? (size_t)limit : rows;
}

/* ---- rows ---- */

enum column { KEY,
	      FILE_NAME,
	      LINE,
	      SIZE,
	      COUNT,
	      AVERAGE,
	      STACK,
	      NUMBER,
	      SHORT_FILE,
	      COLUMNS };

static const struct emit_column columns[COLUMNS] = {
	[KEY] = { "key" },
	[FILE_NAME] = { "file" },
	[LINE] = { "line" },
	[SIZE] = { "size" },
	[COUNT] = { "count" },
	[AVERAGE] = { "average", EMIT_FOR_PEOPLE },
	[STACK] = { "traceback" },
	[NUMBER] = { "number", EMIT_FOR_PEOPLE },
	[SHORT_FILE] = { "short_file", EMIT_FOR_PEOPLE },
};

/* How people read a row: tracemalloc's line, or that of --pretty. */
static const char *sentence(void)
{
	return pretty ? pretty_sentence(by) : "{key}: size={size}, count={count}[, average={average}]\n";
}

static int describe_row(const struct report *r, struct emit *e, size_t index)
{
	const struct group_stat *const s = &groups->stats[index];
	const struct group_value v = s->value[GROUP_NEW];
	const uint64_t every = r->view.sample_bytes;
	const struct sampled_margin m = sampled_margin(every, &v.error);
	const bool has_stack = traceback.wanted || by == GROUP_TRACEBACK;
	char *const key = group_key(groups, s);
	uint64_t number;
	size_t n;
	const char *const text = group_text(groups, s, &number);
	const struct source_frame *const frames = has_stack ? group_frames(r->stacks, s->node, &n) : NULL;
	char *const folded = has_stack ? traceback_folded(e, frames, n) : NULL;

	if (!key)
		return TRK_ERR_NOMEM;

	const struct emit_value values[COLUMNS] = {
		[KEY] = emit_words(key),
		[FILE_NAME] = by <= GROUP_TRACEBACK ? emit_words(text) : emit_absent(),
		[LINE] = by <= GROUP_TRACEBACK ? emit_number(number) : emit_absent(),
		[SIZE] = emit_about(emit_size(v.size), every, m.bytes),
		[COUNT] = emit_about(emit_number(v.count), every, m.count),
		[AVERAGE] = v.count ? emit_average((double)v.size / (double)v.count) : emit_absent(),
		[STACK] = emit_optional(folded),
		[NUMBER] = emit_number(index + 1),
		[SHORT_FILE] = emit_words(path_short(text)),
	};

	emit_row_begin(e, values);
	if (pretty && by == GROUP_LINENO)
		traceback_emit_source(e, text, number, &traceback);
	if (has_stack)
		traceback_emit(e, "traceback", frames, n, traceback.wanted || pretty ? &traceback : NULL);
	emit_end(e);
	free(folded);
	free(key);
	return 0;
}

static int describe_rows(const struct report *r, struct emit *e)
{
	const struct emit_table table = { EMIT_TABLE("rows", columns), .sentence = sentence() };
	int err = 0;

	emit_table(e, &table);
	for (size_t i = 0; i < shown(groups->stat_count) && !err; i++)
		err = describe_row(r, e, i);
	emit_end(e);
	return err;
}

/* ---- what stands around them ---- */

static void say_title(struct emit *e)
{
	const uint64_t asked = limit ? limit : shown(groups->stat_count);

	emit_aside(e, "limit", emit_number(asked));
	if (pretty)
		pretty_title(e, by, asked);
	else if (title)
		emit_say(e, "[[ Top {limit} ]]\n");
}

static int describe(struct report *r, struct emit *e)
{
	int err;

	emit_figure(e, "capture", emit_words(r->capture->path));
	report_figures(e, r);
	selection_figures(e, "point", &r->asked, &r->view);
	sampled_figure(e, r->view.sample_bytes);
	if (list) {
		block_list_describe(r, e, limit, traceback.wanted ? &traceback : NULL);
		return 0;
	}
	emit_figure(e, "group_by", emit_words(group_by));
	emit_figure(e, "cumulative", emit_flag(cumulative));
	report_groups_totals(e, r, &groups->total[GROUP_NEW]);
	domains_figures(&r->domains, e);
	emit_figure(e, "row_count", emit_count(groups->stat_count));
	sampled_say(e, &r->view, &r->asked);
	say_title(e);
	err = describe_rows(r, e);
	if (pretty) {
		pretty_rest(e, groups, shown(groups->stat_count));
		domains_say(&r->domains, e, "Domain ", "block");
	}
	return err;
}

static const char *choose_table(void)
{
	return list ? "blocks" : "rows";
}

static void finish(void)
{
	grouping_free(groups);
	row_types_finish(&types);
}

int main(int argc, char **argv)
{
	static const struct report_kind kind = {
		.command = &command,
		.schema = "tracker.table",
		.choose_table = choose_table,
		.common = &common,
		.selection = &selection,
		.filtering = &filtering,
		.check = check,
		.ask = ask,
		.find = find,
		.describe = describe,
		.finish = finish,
	};

	return report_main(&kind, argc, argv);
}
