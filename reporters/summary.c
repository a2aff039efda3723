/*
 * tracker-summary - prints on one screen which functions hold memory, themselves and with their callees.
 */
#include <stdlib.h>
#include <string.h>

#include "common/selection.h"
#include "common/filter.h"
#include "common/group.h"
#include "common/report.h"
#include "common/reserved.h"
#include "common/short_paths.h"
#include "summary/peaks.h"
#include "summary/reallocs.h"
#include "summary/top.h"

enum column {
	LOCATION,
	TOTAL,
	TOTAL_SHARE,
	OWN,
	OWN_SHARE,
	COUNT,
	COLUMNS,
};

static const struct emit_column columns[COLUMNS] = {
	[LOCATION] = { "location", .heading = "Location", .width = -8 },
	[TOTAL] = { "total_size", .heading = "Total Memory", .width = 14, .gap = "  " },
	[TOTAL_SHARE] = { "total_percent", .heading = "Total Memory %", .width = 16, .gap = "  " },
	[OWN] = { "own_size", .heading = "Own Memory", .width = 12, .gap = "  " },
	[OWN_SHARE] = { "own_percent", .heading = "Own Memory %", .width = 14, .gap = "  " },
	[COUNT] = { "count", .heading = "Allocation Count", .width = 18, .gap = "  " },
};

#define ROWS 30 /* that people see */
#define TOP_ROWS 10 /* ... of each list of --own */

static struct report_options common;
static struct selection_options selection = SELECTION_INIT;
static struct filter_options filtering;
static uint64_t sort_column = TOTAL, limit = REPORT_LIMIT_UNSET;
static struct short_paths paths;
static bool by_own, by_reallocs;
static struct reallocs reallocs;
static struct top top;
static const char *peaks_of;
static struct peaks peaks;

/* What peaks can be of, and what they are grouped by. */
static const char *const peak_words[] = { "function", "module", "thread", NULL };
static const enum group_by peak_keys[] = { GROUP_LOCATION, GROUP_MODULE, GROUP_THREAD };

static const struct ui_option options[] = {
	{ 's', "sort-column", UI_UINT, &sort_column, "N",
	  "1 total memory (default), 2 its share, 3 own memory, 4 its share, 5 count", TOTAL, COUNT },
	REPORT_LIMIT_OPTION(limit, 30),
	{ 0, "own", UI_FLAG, &by_own, NULL,
	  "list the places that allocate: what holds most, what allocates most often, what makes most temporary blocks", 0, 0 },
	UI_OPTION(0, "peaks", UI_STRING, &peaks_of, "function|module|thread", "the most that each of them ever held, and when", 0, 0, peak_words, NULL),
	{ 0, "reallocs", UI_FLAG, &by_reallocs, NULL, "list the places whose blocks grow by realloc, and the first size that would avoid that", 0, 0 },
	{ 'r', "max-rows", UI_UINT, &limit, "N", "the same as --limit", 0, 0 },
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
	.name = "tracker-summary",
	.usage = "[options] CAPTURE[@POINT]",
	.summary = "Prints the functions that hold most memory, at the peak or at a named point.",
	.details = "Total is what a function and everything that it calls hold; own is what it\n"
		   "allocated itself. A function that calls itself counts once.\n\n" REPORT_POINTS "\n"
		   "Examples:\n"
		   "  tracker summary app.bin\n"
		   "  tracker summary --leaks -s 3 -n 10 app.bin\n"
		   "  tracker summary --own app.bin\n"
		   "  tracker summary --peaks module app.bin\n"
		   "  tracker summary --reallocs app.bin\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

/* The two sides of the grouping: what a location allocated itself, and what it allocated with its callees. */
#define SIDE_OWN GROUP_OLD
#define SIDE_TOTAL GROUP_NEW

static struct grouping *groups;

static uint64_t sorted_value(const struct group_stat *s)
{
	switch (sort_column) {
	case OWN:
	case OWN_SHARE:
		return s->value[SIDE_OWN].size;
	case COUNT:
		return s->value[SIDE_TOTAL].count;
	default:
		return s->value[SIDE_TOTAL].size;
	}
}

/* Equal rows come in the order of total memory, then by name: callers before the functions that they call. */
static int by_column(const void *left, const void *right, void *of)
{
	const struct group_stat *const a = left, *const b = right;
	const uint64_t x = sorted_value(a), y = sorted_value(b);
	const uint64_t all_x = a->value[SIDE_TOTAL].size, all_y = b->value[SIDE_TOTAL].size;
	uint64_t number;

	if (x != y)
		return x < y ? 1 : -1;
	if (all_x != all_y)
		return all_x < all_y ? 1 : -1;
	return strcmp(group_text(of, a, &number), group_text(of, b, &number));
}

/* What has nothing to say beside one of the other lists. */
static void exclude_from(const char *list, bool wanted)
{
	ui_exclude(list, wanted, "--sort-column", sort_column != TOTAL);
	ui_exclude(list, wanted, "--leaks", selection.leaks);
	ui_exclude(list, wanted, "--allocations", selection.allocations);
	ui_exclude(list, wanted, "--temporary-allocations", selection.temporary);
	ui_exclude(list, wanted, "--temporary-allocation-threshold", selection.threshold != UINT64_MAX);
}

static void check(struct report *r)
{
	(void)r;
	ui_exclude("--own", by_own, "--peaks", peaks_of != NULL);
	ui_exclude("--own", by_own, "--reallocs", by_reallocs);
	ui_exclude("--peaks", peaks_of != NULL, "--reallocs", by_reallocs);
	exclude_from("--own", by_own);
	exclude_from("--peaks", peaks_of != NULL);
	exclude_from("--reallocs", by_reallocs);
}

static void ask(struct report *r)
{
	if (by_own && r->at.is_range)
		ui_usage_error("a range (CAPTURE@A..B) is not allowed with --own");
	if ((peaks_of || by_reallocs) && r->has_point)
		ui_usage_error("a point (CAPTURE@POINT) is not allowed with %s, which looks at all of the run", peaks_of ? "--peaks" : "--reallocs");
}

static enum group_by peak_key(void)
{
	size_t i = 0;

	while (strcmp(peak_words[i], peaks_of) != 0)
		i++;
	return peak_keys[i];
}

static int find(struct report *r)
{
	if (by_own)
		return top_find(&top, r);
	if (by_reallocs)
		return reallocs_find(&reallocs, r);
	if (peaks_of)
		return peaks_find(&peaks, r, peak_key(), !common.no_skip);

	const struct group_options o = { .by = GROUP_LOCATION, .hide_runtime = !common.no_skip };
	struct group_source from = {
		.capture = r->capture,
		.stacks = r->stacks,
		.view = &r->view,
		.filters = &r->filters,
		.cumulative = true,
	};

	if (grouping_new(&groups, &o) < 0 || grouping_add(groups, SIDE_TOTAL, &from) < 0)
		return TRK_ERR_NOMEM;
	from.cumulative = false;
	if (grouping_add(groups, SIDE_OWN, &from) < 0)
		return TRK_ERR_NOMEM;
	if (groups->stat_count)
		qsort_r(groups->stats, groups->stat_count, sizeof(*groups->stats), by_column, groups);
	return 0;
}

/* The file in "FUNCTION at FILE"; NULL: there is none. */
static const char *file_in(const char *location)
{
	const char *at = NULL;

	for (const char *next = strstr(location, " at "); next; next = strstr(next + 1, " at "))
		at = next;
	return at ? at + strlen(" at ") : NULL;
}

static int add_path(const char *location)
{
	const char *const file = file_in(location);

	return file ? short_paths_add(&paths, file) : 0;
}

static const char *text_of(const struct group_stat *g)
{
	uint64_t number;

	return group_text(groups, g, &number);
}

static int find_paths(size_t shown)
{
	int err = 0;

	for (size_t i = 0; i < shown && !err; i++)
		err = add_path(text_of(&groups->stats[i]));
	short_paths_settle(&paths);
	return err;
}

/* The location as people read it; malloc'ed. */
static char *shown_location(const char *whole)
{
	const char *const file = file_in(whole);
	char *text = NULL;
	const int n = file ? asprintf(&text, "%.*s%s", (int)(file - whole), whole, short_paths_of(&paths, file)) : asprintf(&text, "%s", whole);

	return n < 0 ? NULL : text;
}

static struct emit_value share(uint64_t bytes)
{
	const uint64_t all = groups->total[SIDE_TOTAL].size;

	return emit_percent(all ? 100.0 * (double)bytes / (double)all : 0);
}

/* ---- what is said of it ---- */

static void describe_head(const struct report *r, struct emit *e)
{
	const struct group_value *const all = &groups->total[SIDE_TOTAL];
	const uint64_t every = r->view.sample_bytes;
	const struct sampled_margin m = sampled_margin(every, &all->error);

	emit_figure(e, "capture", emit_words(r->capture->path));
	report_figures(e, r);
	selection_figures(e, "point", &r->asked, &r->view);
	emit_figure(e, "total_size", emit_about(emit_size(all->size), every, m.bytes));
	emit_figure(e, "total_count", emit_about(emit_count(all->count), every, m.count));
	reserved_figures(e, &r->view.totals);
	sampled_figure(e, every);
	domains_figures(&r->domains, e);
	emit_figure(e, "row_count", emit_count(groups->stat_count));
}

static int describe_row(struct emit *e, const struct group_stat *g, uint64_t every)
{
	const struct group_value *const total = &g->value[SIDE_TOTAL], *const own = &g->value[SIDE_OWN];
	const struct sampled_margin m = sampled_margin(every, &total->error), of_own = sampled_margin(every, &own->error);
	char *const shown = shown_location(text_of(g));

	if (!shown)
		return TRK_ERR_NOMEM;

	const struct emit_value values[COLUMNS] = {
		[LOCATION] = emit_words(emit_people(e) ? shown : text_of(g)),
		[TOTAL] = emit_about(emit_size(total->size), every, m.bytes),
		[TOTAL_SHARE] = share(total->size),
		[OWN] = emit_about(emit_size(own->size), every, of_own.bytes),
		[OWN_SHARE] = share(own->size),
		[COUNT] = emit_about(emit_count(total->count), every, m.count),
	};

	emit_row(e, values);
	free(shown);
	return 0;
}

/* The heading of the column that rows are sorted by stands in < >. */
static int describe_rows(const struct report *r, struct emit *e)
{
	const size_t all = groups->stat_count, n = report_rows(&common, limit, ROWS, all);
	struct emit_column marked[COLUMNS];
	const struct emit_table table = { EMIT_TABLE("rows", marked), .bare_cells = true };
	char heading[32];
	int err = 0;

	memcpy(marked, columns, sizeof(marked));
	snprintf(heading, sizeof(heading), "<%s>", columns[sort_column].heading);
	marked[sort_column].heading = heading;
	if (emit_people(e) && find_paths(n) < 0)
		return TRK_ERR_NOMEM;
	emit_table(e, &table);
	for (size_t i = 0; i < n && !err; i++)
		err = describe_row(e, &groups->stats[i], r->view.sample_bytes);
	emit_end(e);
	emit_aside(e, "more", emit_number(all - n));
	if (all > n)
		emit_say(e, "{more} more; -n 0 shows all\n");
	return err;
}

static int describe_top(struct report *r, struct emit *e)
{
	emit_figure(e, "capture", emit_words(r->capture->path));
	report_figures(e, r);
	selection_figures(e, "point", &r->asked, &r->view);
	sampled_figure(e, r->view.sample_bytes);
	domains_figures(&r->domains, e);
	sampled_say(e, &r->view, &r->asked);
	return top_describe(&top, r, e, report_rows(&common, limit, TOP_ROWS, SIZE_MAX), &paths);
}

/* ---- peaks ---- */

static struct emit_value peak_value(const struct peaks_value *v, uint64_t every, bool of_bytes)
{
	const double turns = v->most_bytes ? 4.0 * (double)v->allocated / (double)v->most_bytes : 0;

	if (of_bytes)
		return emit_about(emit_size(v->most_bytes), every, sampling_peak_bytes_margin(every, &v->most_error, turns));
	return emit_about(emit_count(v->most_count), every, sampling_peak_count_margin(every, &v->most_error, turns));
}

static int describe_peak(struct emit *e, const struct peaks_key *k, uint64_t every)
{
	const char *const whole = grouping_name(peaks.groups, k->number);
	char *const shown = emit_people(e) && peak_key() == GROUP_LOCATION ? shown_location(whole) : strdup(whole);

	if (!shown)
		return TRK_ERR_NOMEM;
	emit_row(e, (struct emit_value[]){ emit_words(shown), peak_value(&k->all, every, true), peak_value(&k->all, every, false), emit_time(k->all.most_ns),
					   peak_value(&k->own, every, true), k->own.most_bytes ? emit_time(k->own.most_ns) : emit_absent() });
	free(shown);
	return 0;
}

static int describe_peaks(struct report *r, struct emit *e)
{
	static const struct emit_column peak_columns[] = {
		{ "location", .heading = "Location", .width = -8 },
		{ "peak_size", .heading = "<Peak Memory>", .width = 14, .gap = "  " },
		{ "peak_count", .heading = "Blocks", .width = 8, .gap = "  " },
		{ "peak_ns", .heading = "At", .width = 9, .gap = "  " },
		{ "own_peak_size", .heading = "Own Peak", .width = 12, .gap = "  " },
		{ "own_peak_ns", .heading = "At", .width = 9, .gap = "  " },
	};
	static const struct emit_table table = { EMIT_TABLE("peaks", peak_columns), .bare_cells = true };
	const size_t n = report_rows(&common, limit, ROWS, peaks.count);
	int err = 0;

	emit_figure(e, "capture", emit_words(r->capture->path));
	report_figures(e, r);
	sampled_figure(e, r->view.sample_bytes);
	emit_figure(e, "peaks_of", emit_words(peaks_of));
	emit_figure(e, "row_count", emit_count(peaks.count));
	sampled_say(e, &r->view, &r->asked);
	emit_say(e, peak_key() == GROUP_THREAD ? "The most of what each thread allocated that was live at one time; the moments differ.\n\n" :
						 "The most that each {peaks_of} held at one time, with all that it calls; the moments differ.\n\n");
	for (size_t i = 0; i < n && !err && peak_key() == GROUP_LOCATION; i++)
		err = add_path(grouping_name(peaks.groups, peaks.keys[i].number));
	short_paths_settle(&paths);
	emit_table(e, &table);
	for (size_t i = 0; i < n && !err; i++)
		err = describe_peak(e, &peaks.keys[i], r->view.sample_bytes);
	emit_end(e);
	emit_aside(e, "more", emit_number(peaks.count - n));
	if (peaks.count > n)
		emit_say(e, "{more} more; -n 0 shows all\n");
	return err;
}

static int describe_reallocs(struct report *r, struct emit *e)
{
	emit_figure(e, "capture", emit_words(r->capture->path));
	report_figures(e, r);
	return reallocs_describe(&reallocs, r, e, report_rows(&common, limit, TOP_ROWS, SIZE_MAX), &paths);
}

static int describe(struct report *r, struct emit *e)
{
	if (peaks_of)
		return describe_peaks(r, e);
	if (by_reallocs)
		return describe_reallocs(r, e);
	if (by_own)
		return describe_top(r, e);
	describe_head(r, e);
	sampled_say(e, &r->view, &r->asked);
	reserved_say(e, r->view.totals.most_reserved_bytes, r->view.totals.most_reserved_mappings, "\n");
	domains_say(&r->domains, e, "Domain ", "block");
	return describe_rows(r, e);
}

static const char *choose_table(void)
{
	return by_own ? "top" : by_reallocs ? "reallocs" :
			peaks_of	    ? "peaks" :
					      "rows";
}

static void finish(void)
{
	grouping_free(groups);
	top_finish(&top);
	peaks_finish(&peaks);
	reallocs_finish(&reallocs);
	short_paths_finish(&paths);
}

int main(int argc, char **argv)
{
	static const struct report_kind kind = {
		.command = &command,
		.schema = "tracker.summary",
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
