/*
 * tracker-diff - prints what changed between two captures, or two points of one, line for line as tracemalloc's
 * Snapshot.compare_to() does.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/selection.h"
#include "common/filter.h"
#include "common/report_groups.h"
#include "common/traceback.h"
#include "diff/several.h"
#include "types/row_types.h"

#define ROWS 10 /* that people see */
#define TYPES 15 /* ... of types */

static struct report_options common;
static struct selection_options selection = SELECTION_INIT;
static struct filter_options filtering;
static struct ui_list filters_of[GROUP_SIDES], more[GROUP_SIDES];
static struct traceback_options traceback;
static const char *group_by = "lineno", *traceback_limit;
static bool cumulative, title, changed_only;
static uint64_t limit = REPORT_LIMIT_UNSET, fail_above = UINT64_MAX;

static const struct ui_option options[] = {
	REPORT_GROUP_OPTIONS(group_by, cumulative),
	REPORT_LIMIT_OPTION(limit, 10),
	{ 0, "old", UI_LIST, &more[GROUP_OLD], "CAPTURE[@POINT]", "one capture more of OLD: figures become medians", 0, 0 },
	{ 0, "new", UI_LIST, &more[GROUP_NEW], "CAPTURE[@POINT]", "one capture more of NEW", 0, 0 },
	{ 0, "changed-only", UI_FLAG, &changed_only, NULL, "leave out rows without a change", 0, 0 },
	{ 0, "fail-above", UI_SIZE, &fail_above, "SIZE", "exit 3 when NEW is more than SIZE above OLD", 0, 0 },
	{ 0, "title", UI_FLAG, &title, NULL, "print [ Top N differences ] first", 0, 0 },
	{ 0, "traceback", UI_OPTIONAL_INT, &traceback_limit, "N",
	  "print each row's stack: the N most recent frames, or with -N the N oldest", 0, 0 },
	TRACEBACK_OPTIONS(traceback),
	FILTER_OPTIONS(filtering),
	{ 0, "filter-old", UI_LIST, &filters_of[GROUP_OLD], "FILTER", "a filter for OLD only", 0, 0 },
	{ 0, "filter-new", UI_LIST, &filters_of[GROUP_NEW], "FILTER", "a filter for NEW only", 0, 0 },
	SELECTION_OPTIONS(selection),
	REPORT_THREAD_OPTION(common),
	REPORT_STACK_OPTIONS(common),
	REPORT_QUIET_OPTION(common),
	REPORT_CSV_OPTION(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-diff",
	.usage = "[options] OLD[@POINT] NEW[@POINT]",
	.summary = "Compares two captures, or two points of one, with the biggest changes first.",
	.details = "Without points, it compares the peaks. It also lists rows that did not change.\n" REPORT_POINTS
		   "The exit status is 3 when --fail-above is exceeded.\n\n"
		   "Examples:\n"
		   "  tracker diff app.bin@one app.bin@two\n"
		   "  tracker diff -g function --fail-above 64KiB before.bin@end after.bin@end\n"
		   "  tracker diff -g chain gcc.bin clang.bin\n"
		   "  tracker diff -g chain --old o2.bin --old o3.bin --new n2.bin o1.bin n1.bin\n",
	.options = options,
	.min_operands = 2,
	.max_operands = 2,
};

static struct grouping *groups;
static enum group_by by;
static struct runs runs;
static struct row_types *types; /* by capture */
static size_t type_count;

static const struct report_kind kind;

static size_t captures(void)
{
	return GROUP_SIDES + more[GROUP_OLD].count + more[GROUP_NEW].count;
}

static void check(struct report *sides)
{
	by = group_by_check(group_by, cumulative);
	if (limit == REPORT_LIMIT_UNSET)
		limit = report_form(&common) ? 0 : by == GROUP_TYPE ? TYPES :
								      ROWS;
	ui_exclude(report_form(&common), report_form(&common), "--title", title);
	traceback_check(traceback_limit, report_form(&common), &traceback);
	ui_needs("--confidential-files", traceback.confidential_files != NULL, "--traceback", traceback.wanted);
	for (size_t i = 0; i < captures(); i++) {
		const size_t side = report_side(&kind, i);

		filters_from_list(&sides[i].filters, side == GROUP_OLD ? "--filter-old" : "--filter-new", &filters_of[side]);
	}
}

static void ask(struct report *r)
{
	group_by_view(by, &r->asked);
	if (by == GROUP_TYPE)
		row_types_ask(r);
}

static int add(struct report *sides, size_t number)
{
	struct group_source from = report_groups(&sides[number], cumulative);
	const int err = by == GROUP_TYPE ? row_types_find(&types[number], &sides[number]) : 0;

	from.each_type = row_types_each;
	from.types = &types[number];
	from.number = (uint32_t)number;
	return err ? err : runs_add(&runs, groups, (enum group_side)report_side(&kind, number), &from);
}

static int find(struct report *sides)
{
	struct group_options o = { .by = by };
	int err = 0;

	for (size_t i = 1; i < captures(); i++)
		o.portable |= sides[i].capture->header.id != sides[0].capture->header.id;
	types = calloc(captures(), sizeof(*types));
	if (!types || grouping_new(&groups, &o) < 0)
		return TRK_ERR_NOMEM;
	type_count = captures();
	for (size_t i = 0; i < captures() && !err; i++)
		err = add(sides, i);
	if (!err)
		err = runs_settle(&runs, groups, by == GROUP_CHAIN);
	if (!err)
		grouping_sort_differences(groups);
	return err;
}

/* ---- what is said of it ---- */

/* How far the numbers of NEW are above those of OLD. */
static struct change {
	int64_t size, count;
} change_of(const struct group_value v[GROUP_SIDES])
{
	return (struct change){ (int64_t)(v[GROUP_NEW].size - v[GROUP_OLD].size), (int64_t)(v[GROUP_NEW].count - v[GROUP_OLD].count) };
}

static bool is_hidden(const struct group_stat *s)
{
	return changed_only && !runs_have_changed(&runs, s);
}

enum column { KEY,
	      FILE_NAME,
	      LINE,
	      SIZE,
	      SIZE_CHANGE,
	      COUNT,
	      COUNT_CHANGE,
	      AVERAGE,
	      OLD_LOWEST,
	      OLD_HIGHEST,
	      NEW_LOWEST,
	      NEW_HIGHEST,
	      STACK,
	      COLUMNS };

static const struct emit_column columns[COLUMNS] = {
	[KEY] = { "key" },
	[FILE_NAME] = { "file" },
	[LINE] = { "line" },
	[SIZE] = { "size" },
	[SIZE_CHANGE] = { "size_diff" },
	[COUNT] = { "count" },
	[COUNT_CHANGE] = { "count_diff" },
	[AVERAGE] = { "average", EMIT_FOR_PEOPLE },
	[OLD_LOWEST] = { "old_lowest" },
	[OLD_HIGHEST] = { "old_highest" },
	[NEW_LOWEST] = { "new_lowest" },
	[NEW_HIGHEST] = { "new_highest" },
	[STACK] = { "traceback" },
};

/* Of one capture a side there is none. */
static void set_spreads(struct emit_value values[COLUMNS], const struct group_stat *s)
{
	const struct spread old = runs_spread(&runs, GROUP_OLD, s), new = runs_spread(&runs, GROUP_NEW, s);
	const uint64_t figures[] = { old.lowest, old.highest, new.lowest, new.highest };

	for (size_t i = 0; i < sizeof(figures) / sizeof(*figures); i++)
		values[OLD_LOWEST + i] = runs_are_several(&runs) ? emit_size(figures[i]) : emit_absent();
}

static int describe_row(const struct report *sides, struct emit *e, const struct group_stat *s)
{
	const struct group_value new = s->value[GROUP_NEW];
	const struct change c = change_of(s->value);
	const bool has_stack = traceback.wanted || by == GROUP_TRACEBACK;
	char *const key = group_key(groups, s);
	uint64_t number;
	size_t n;
	const char *const text = group_text(groups, s, &number);
	const struct source_frame *const frames = group_frames(sides[s->node_source].stacks, s->node, &n);
	char *const folded = has_stack ? traceback_folded(e, frames, n) : NULL;

	if (!key)
		return TRK_ERR_NOMEM;

	struct emit_value values[COLUMNS] = {
		[KEY] = emit_words(key),
		[FILE_NAME] = by <= GROUP_TRACEBACK ? emit_words(text) : emit_absent(),
		[LINE] = by <= GROUP_TRACEBACK ? emit_number(number) : emit_absent(),
		[SIZE] = emit_size(new.size),
		[SIZE_CHANGE] = emit_size_change(c.size),
		[COUNT] = emit_number(new.count),
		[COUNT_CHANGE] = emit_change(c.count),
		[AVERAGE] = new.count ? emit_average((double)new.size / (double)new.count) : emit_absent(),
		[STACK] = emit_optional(folded),
	};

	set_spreads(values, s);
	emit_row_begin(e, values);
	if (has_stack)
		traceback_emit(e, "traceback", frames, n, traceback.wanted ? &traceback : NULL);
	emit_end(e);
	free(folded);
	free(key);
	return 0;
}

/* ---- types, as pympler's SummaryTracker.print_diff shows them ---- */

enum type_column { TYPE_NAME,
		   TYPE_COUNT,
		   TYPE_SIZE,
		   TYPE_COLUMNS };

struct type_line {
	char *text[TYPE_COLUMNS];
};

/* Harmless for terminals; NULL: no memory. */
static char *prose(const char *text)
{
	char *line = NULL;
	size_t bytes;
	FILE *const f = open_memstream(&line, &bytes);

	if (!f)
		return NULL;
	ui_prose(f, text);
	fclose(f);
	return line;
}

static bool make_line(struct type_line *l, const struct group_stat *s)
{
	const struct change c = change_of(s->value);
	char *const key = group_key(groups, s);
	char size[32];

	l->text[TYPE_NAME] = key ? prose(key) : NULL;
	l->text[TYPE_COUNT] = asprintf(&l->text[TYPE_COUNT], "%" PRId64, c.count) < 0 ? NULL : l->text[TYPE_COUNT];
	l->text[TYPE_SIZE] = strdup(ui_size(size, sizeof(size), c.size, false));
	free(key);
	return l->text[TYPE_NAME] && l->text[TYPE_COUNT] && l->text[TYPE_SIZE];
}

static size_t width_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80; /* a byte that begins a character */
	return n;
}

static void print_line(FILE *f, const struct type_line *l, const size_t widths[TYPE_COLUMNS])
{
	for (int k = 0; k < TYPE_COLUMNS; k++)
		fprintf(f, "%*s%s%s", (int)(widths[k] - width_of(l->text[k])), "", l->text[k], k + 1 < TYPE_COLUMNS ? " | " : "\n");
}

static void print_lines(FILE *f, const struct type_line *lines, size_t count)
{
	size_t widths[TYPE_COLUMNS] = { 0 };

	for (size_t i = 0; i < count; i++)
		for (int k = 0; k < TYPE_COLUMNS; k++)
			if (width_of(lines[i].text[k]) + 2 > widths[k])
				widths[k] = width_of(lines[i].text[k]) + 2;
	for (size_t i = 0; i < count; i++) {
		print_line(f, &lines[i], widths);
		for (int k = 0; !i && k < TYPE_COLUMNS; k++) {
			for (size_t n = 0; n < widths[k]; n++)
				fputc('=', f);
			fputs(k + 1 < TYPE_COLUMNS ? " | " : "\n", f);
		}
	}
}

static int print_types(FILE *f)
{
	static const char *const head[TYPE_COLUMNS] = { "types", "# objects", "total size" };
	struct type_line *const lines = calloc(groups->stat_count + 1, sizeof(*lines));
	size_t count = 1;
	bool fine = lines;

	for (int k = 0; fine && k < TYPE_COLUMNS; k++)
		fine = (lines[0].text[k] = strdup(head[k])) != NULL;
	for (size_t i = 0; fine && i < groups->stat_count && (!limit || count <= limit); i++) {
		const struct change c = change_of(groups->stats[i].value);

		if (c.size || c.count)
			fine = make_line(&lines[count++], &groups->stats[i]);
	}
	if (fine)
		print_lines(f, lines, count);
	for (size_t i = 0; lines && i < count; i++)
		for (int k = 0; k < TYPE_COLUMNS; k++)
			free(lines[i].text[k]);
	free(lines);
	return fine ? 0 : TRK_ERR_NOMEM;
}

/* ---- the rows ---- */

static int describe_rows(const struct report *sides, struct emit *e)
{
	static const char sentence[] = "{key}: size={size} ({size_diff}), count={count} ({count_diff})[, average={average}]"
				       "[, OLD {old_lowest} to {old_highest}, NEW {new_lowest} to {new_highest}]\n";
	static const struct emit_table table = { EMIT_TABLE("rows", columns), .sentence = sentence };
	uint64_t left = limit ? limit : UINT64_MAX;
	int err = 0;

	if (by == GROUP_TYPE && !traceback.wanted && emit_people(e))
		return print_types(emit_people(e));
	emit_table(e, &table);
	for (size_t i = 0; i < groups->stat_count && left && !err; i++) {
		if (is_hidden(&groups->stats[i]))
			continue;
		err = describe_row(sides, e, &groups->stats[i]);
		left--;
	}
	emit_end(e);
	return err;
}

static int describe(struct report *sides, struct emit *e)
{
	const struct change c = change_of(groups->total);
	const bool told = by == GROUP_CHAIN || runs_are_several(&runs);
	int err;

	report_groups_side(e, &sides[GROUP_OLD], "old", &groups->total[GROUP_OLD]);
	report_groups_side(e, &sides[GROUP_NEW], "new", &groups->total[GROUP_NEW]);
	emit_figure(e, "group_by", emit_words(group_by));
	emit_figure(e, "cumulative", emit_flag(cumulative));
	emit_figure(e, "total_size_diff", emit_size_change(c.size));
	emit_figure(e, "total_count_diff", emit_change(c.count));
	runs_verdict(&runs, groups, e);
	if (told)
		emit_say(e, "{verdict:prose}\n");
	if (by == GROUP_CHAIN)
		emit_figure(e, "joined", emit_count(runs.joined));
	emit_aside(e, "limit", emit_number(limit ? limit : groups->stat_count));
	if (title)
		emit_say(e, "[[ Top {limit} differences ]]\n");
	err = describe_rows(sides, e);
	if (runs.joined)
		emit_say(e, "{joined} row{joined:s} counted in rows with fewer calls: the other build has inlined the rest, or jumped to it.\n");
	return err;
}

/* ---- the whole ---- */

static int gate(const struct report *sides)
{
	const int64_t growth = change_of(groups->total).size;
	char grown[32], allowed[32];

	(void)sides;
	if (growth <= 0 || (uint64_t)growth <= fail_above)
		return UI_OK;
	ui_error("grew by %s, more than the %s that --fail-above allows", ui_size(grown, sizeof(grown), growth, false),
		 ui_size(allowed, sizeof(allowed), (int64_t)fail_above, false));
	return UI_GATE;
}

static void finish(void)
{
	grouping_free(groups);
	runs_finish(&runs);
	for (size_t i = 0; i < type_count; i++)
		row_types_finish(&types[i]);
	free(types);
}

static const struct report_kind kind = {
	.command = &command,
	.schema = "tracker.diff",
	.table = "rows",
	.common = &common,
	.selection = &selection,
	.filtering = &filtering,
	.of_two = true,
	.more = { &more[GROUP_OLD], &more[GROUP_NEW] },
	.check = check,
	.ask = ask,
	.find = find,
	.describe = describe,
	.gate = gate,
	.finish = finish,
};

int main(int argc, char **argv)
{
	return report_main(&kind, argc, argv);
}
