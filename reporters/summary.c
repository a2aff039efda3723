/*
 * tracker-summary - one screen: which functions hold the memory, themselves and
 * with all that they call.
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
#include "reserved.h"

enum column { TOTAL = 1, TOTAL_SHARE, OWN, OWN_SHARE, COUNT, COLUMNS };

static const char *const headings[COLUMNS] = {
	[TOTAL] = "Total Memory", [TOTAL_SHARE] = "Total Memory %", [OWN] = "Own Memory",
	[OWN_SHARE] = "Own Memory %", [COUNT] = "Allocation Count",
};

static struct report_options common;
static struct choice_options choice = CHOICE_INIT;
static struct filter_options filtering;
static uint64_t sort_column = TOTAL, max_rows = 30;

static const struct ui_option options[] = {
	{ 's', "sort-column", UI_UINT, &sort_column, "N",
	  "1 total memory (default), 2 its share, 3 own memory, 4 its share, 5 count", TOTAL, COUNT },
	{ 'r', "max-rows", UI_UINT, &max_rows, "N", "rows to print (default 30; 0: all)", 0, 0 },
	FILTER_OPTIONS(filtering),
	CHOICE_OPTIONS(choice),
	REPORT_STACK_OPTIONS(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-summary",
	.usage = "[options] CAPTURE[@POINT]",
	.summary = "The functions that hold most memory at the peak, or at a point that is named.",
	.details = "Total is what a function and all that it calls hold; own is what it allocated\n"
		   "itself. A function that calls itself counts once.\n\n"
		   REPORT_POINTS "\n"
		   "Examples:\n"
		   "  tracker summary app.bin\n"
		   "  tracker summary --leaks -s 3 -r 10 app.bin\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

/* The two sides of the grouping: what a location allocated itself, and with its callees. */
#define SIDE_OWN GROUP_OLD
#define SIDE_TOTAL GROUP_NEW

struct summary {
	struct report report;
	struct view view;
	struct view_options view_options;
	struct filters filters;
	struct grouping *groups;
	struct domains domains;
};

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

/* Ties in the order of total memory, then by name: callers before what they call. */
static int by_column(const void *left, const void *right, void *groups)
{
	const struct group_stat *const a = left, *const b = right;
	const uint64_t x = sorted_value(a), y = sorted_value(b);
	const uint64_t all_x = a->value[SIDE_TOTAL].size, all_y = b->value[SIDE_TOTAL].size;
	uint64_t number;

	if (x != y)
		return x < y ? 1 : -1;
	if (all_x != all_y)
		return all_x < all_y ? 1 : -1;
	return strcmp(group_text(groups, a, &number), group_text(groups, b, &number));
}

static int group(struct summary *s)
{
	const struct group_options o = { .by = GROUP_LOCATION, .hide_runtime = !common.no_skip };
	struct group_source from = {
		.capture = s->report.capture,
		.stacks = s->report.stacks,
		.view = &s->view,
		.filters = &s->filters,
		.cumulative = true,
	};

	if (grouping_new(&s->groups, &o) < 0 || grouping_add(s->groups, SIDE_TOTAL, &from) < 0)
		return TRK_ERR_NOMEM;
	from.cumulative = false;
	if (grouping_add(s->groups, SIDE_OWN, &from) < 0)
		return TRK_ERR_NOMEM;
	if (s->groups->stat_count)
		qsort_r(s->groups->stats, s->groups->stat_count, sizeof(*s->groups->stats), by_column,
			s->groups);
	return 0;
}

static double share(const struct summary *s, uint64_t bytes)
{
	const uint64_t all = s->groups->total[SIDE_TOTAL].size;

	return all ? 100.0 * (double)bytes / (double)all : 0;
}

static size_t shown(const struct summary *s)
{
	const size_t all = s->groups->stat_count;

	return max_rows && max_rows < all ? (size_t)max_rows : all;
}

/* ---- text ---- */

static char *printable(const char *text)
{
	char *out = NULL;
	size_t n = 0;
	FILE *const f = open_memstream(&out, &n);

	if (!f)
		return NULL;
	ui_text(f, text);
	return ui_memstream_end(f, &out);
}

/* Columns on a screen, one per character. */
static int width_of(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

static int location_width(char *const *locations, size_t n)
{
	int width = (int)strlen("Location");

	for (size_t i = 0; i < n; i++)
		if (width_of(locations[i]) > width)
			width = width_of(locations[i]);
	return width;
}

static void print_headings(FILE *f, int width)
{
	char text[32];

	fprintf(f, "%-*s", width, "Location");
	for (int c = TOTAL; c < COLUMNS; c++) {
		const bool sorted = (uint64_t)c == sort_column;
		snprintf(text, sizeof(text), "%s%s%s", sorted ? "<" : "", headings[c], sorted ? ">" : "");
		fprintf(f, "  %*s", (int)strlen(headings[c]) + 2, text);
	}
	fputc('\n', f);
}

static void print_cell(FILE *f, enum column c, const char *text)
{
	fprintf(f, "  %*s", (int)strlen(headings[c]) + 2, text);
}

static void print_share(FILE *f, enum column c, double percent)
{
	char text[32];

	snprintf(text, sizeof(text), "%.2f%%", percent);
	print_cell(f, c, text);
}

static void print_row(const struct summary *s, const struct group_stat *g, const char *location,
		      int width, FILE *f)
{
	const struct group_value *const v = g->value;
	char text[40];

	fprintf(f, "%s%*s", location, width - width_of(location), "");
	print_cell(f, TOTAL, ui_size(text, sizeof(text), (int64_t)v[SIDE_TOTAL].size, false));
	print_share(f, TOTAL_SHARE, share(s, v[SIDE_TOTAL].size));
	print_cell(f, OWN, ui_size(text, sizeof(text), (int64_t)v[SIDE_OWN].size, false));
	print_share(f, OWN_SHARE, share(s, v[SIDE_OWN].size));
	print_cell(f, COUNT, ui_count(text, sizeof(text), v[SIDE_TOTAL].count));
	fputc('\n', f);
}

static int print_rows(const struct summary *s, FILE *f)
{
	const size_t n = shown(s), more = s->groups->stat_count - n;
	char **const locations = calloc(n + 1, sizeof(*locations));
	uint64_t number;
	int err = locations ? 0 : TRK_ERR_NOMEM;

	for (size_t i = 0; i < n && !err; i++) {
		locations[i] = printable(group_text(s->groups, &s->groups->stats[i], &number));
		err = locations[i] ? 0 : TRK_ERR_NOMEM;
	}
	if (!err) {
		const int width = location_width(locations, n);
		sampled_print(f, &s->view, &s->view_options);
		print_headings(f, width);
		for (size_t i = 0; i < n; i++)
			print_row(s, &s->groups->stats[i], locations[i], width, f);
		if (more)
			fprintf(f, "%zu more; -r 0 shows all\n", more);
		reserved_print(f, s->view.totals.most_reserved_bytes,
			       s->view.totals.most_reserved_mappings, "\n");
		domains_print(&s->domains, f, "Domain ", "block");
	}
	for (size_t i = 0; locations && i < n; i++)
		free(locations[i]);
	free(locations);
	return err;
}

/* ---- --json ---- */

static void json_rows(const struct summary *s, FILE *f)
{
	const uint64_t every = s->view.sample_bytes;
	struct sampled_margin total = sampled_margin(every, &s->groups->total[SIDE_TOTAL].error), m;
	struct ui_json j;
	uint64_t number;

	ui_json_init(&j, f, false);
	ui_json_begin_report(&j, "tracker.summary", 1);
	ui_json_string(&j, "capture", s->report.capture->path);
	report_json(&j, &s->report);
	choice_json(&j, "point", &s->view_options, &s->view);
	ui_json_uint(&j, "total_size", s->groups->total[SIDE_TOTAL].size);
	ui_json_uint(&j, "total_count", s->groups->total[SIDE_TOTAL].count);
	reserved_json(&j, &s->view.totals);
	sampled_json(&j, every);
	sampled_json_margin(&j, "total_size", every, total.bytes);
	sampled_json_margin(&j, "total_count", every, total.count);
	domains_json(&s->domains, &j);
	ui_json_uint(&j, "row_count", s->groups->stat_count);
	ui_json_array(&j, "rows");
	for (size_t i = 0; i < shown(s); i++) {
		const struct group_stat *const g = &s->groups->stats[i];
		ui_json_object(&j, NULL);
		ui_json_string(&j, "location", group_text(s->groups, g, &number));
		ui_json_uint(&j, "total_size", g->value[SIDE_TOTAL].size);
		ui_json_double(&j, "total_percent", share(s, g->value[SIDE_TOTAL].size));
		ui_json_uint(&j, "own_size", g->value[SIDE_OWN].size);
		ui_json_double(&j, "own_percent", share(s, g->value[SIDE_OWN].size));
		ui_json_uint(&j, "count", g->value[SIDE_TOTAL].count);
		m = sampled_margin(every, &g->value[SIDE_TOTAL].error);
		sampled_json_margin(&j, "total_size", every, m.bytes);
		sampled_json_margin(&j, "count", every, m.count);
		m = sampled_margin(every, &g->value[SIDE_OWN].error);
		sampled_json_margin(&j, "own_size", every, m.bytes);
		ui_json_end(&j);
	}
	ui_json_end(&j);
	ui_json_end(&j);
}

/* ---- the whole ---- */

static int write_report(struct summary *s, FILE *f)
{
	if (group(s) < 0 || domains_filtered(&s->domains, &s->view, s->report.stacks, &s->filters) < 0)
		return TRK_ERR_NOMEM;
	if (!common.json)
		return print_rows(s, f);
	json_rows(s, f);
	return 0;
}

static int run(struct summary *s, const char *operand, FILE *f)
{
	int status = report_open(&s->report, operand, &common);

	if (status)
		return status;
	choice_apply(&choice, &s->report, &s->view_options);
	status = report_stacks(&s->report, &common);
	if (!status)
		status = report_view(&s->report, &s->view_options, &s->view);
	if (!status)
		kept_say(&s->report, "", &s->view_options, &s->view);
	if (!status)
		report_unnamed(&s->report, &s->view, &s->filters);
	if (!status && write_report(s, f) < 0) {
		ui_error("out of memory");
		status = UI_CANNOT;
	}
	return status;
}

int main(int argc, char **argv)
{
	const int first = ui_parse(&command, argc, argv, false);
	struct summary s = { 0 };
	struct ui_output out;

	choice_check(&choice);
	filters_from_options(&s.filters, &filtering);
	int status = ui_output_open(&out, common.output, common.force);
	if (!status)
		status = run(&s, argv[first], out.file);
	if (!status)
		status = ui_output_close(&out);
	else
		ui_output_discard(&out);
	grouping_free(s.groups);
	domains_finish(&s.domains);
	filters_finish(&s.filters);
	view_finish(&s.view);
	report_close(&s.report);
	return status;
}
