/*
 * tracker-diff - what changed between two captures, or two points of one, line
 * for line as tracemalloc's Snapshot.compare_to() prints it.
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
#include "traceback.h"

static struct report_options common;
static struct choice_options choice = CHOICE_INIT;
static struct filter_options filtering;
static struct ui_list filters_of[GROUP_SIDES];
static struct traceback_options traceback;
static const char *group_by = "lineno", *traceback_limit;
static bool cumulative, title, changed_only;
static uint64_t limit = 10, fail_above = UINT64_MAX;

static const struct ui_option options[] = {
	{ 'g', "group-by", UI_STRING, &group_by, "KEY",
	  "filename, lineno (default), traceback, function, module, thread or size", 0, 0 },
	{ 'c', "cumulative", UI_FLAG, &cumulative, NULL, "count a block for every frame of its stack",
	  0, 0 },
	{ 'n', "limit", UI_UINT, &limit, "N", "rows to print (default 10; 0: all)", 0, 0 },
	{ 0, "changed-only", UI_FLAG, &changed_only, NULL, "leave out rows without a change", 0, 0 },
	{ 0, "fail-above", UI_SIZE, &fail_above, "SIZE", "exit 3 when NEW is more than SIZE above OLD",
	  0, 0 },
	{ 0, "title", UI_FLAG, &title, NULL, "print [ Top N differences ] first", 0, 0 },
	{ 0, "traceback", UI_OPTIONAL_INT, &traceback_limit, "N",
	  "print each row's stack: the N most recent frames, or with -N the N oldest", 0, 0 },
	TRACEBACK_OPTIONS(traceback),
	FILTER_OPTIONS(filtering),
	{ 0, "filter-old", UI_LIST, &filters_of[GROUP_OLD], "FILTER", "a filter for OLD alone", 0, 0 },
	{ 0, "filter-new", UI_LIST, &filters_of[GROUP_NEW], "FILTER", "a filter for NEW alone", 0, 0 },
	CHOICE_OPTIONS(choice),
	REPORT_STACK_OPTIONS(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-diff",
	.usage = "[options] OLD[@POINT] NEW[@POINT]",
	.summary = "Compares two captures, or two points of one, biggest changes first.",
	.details = "Without a point, the peaks are compared. Rows that did not change are listed, too.\n"
		   REPORT_POINTS
		   "Exit status: 3 when --fail-above is exceeded.\n\n"
		   "Examples:\n"
		   "  tracker diff app.bin@one app.bin@two\n"
		   "  tracker diff -g function --fail-above 64KiB before.bin@end after.bin@end\n",
	.options = options,
	.min_operands = 2,
	.max_operands = 2,
};

struct side {
	struct report report;
	struct view view;
	struct view_options view_options;
	struct filters filters;
	struct domains domains;
};

struct diff {
	struct side sides[GROUP_SIDES];
	struct grouping *groups;
	enum group_by by;
};

static enum group_by check_usage(void)
{
	enum group_by by;

	if (!group_by_parse(group_by, &by))
		ui_usage_error("unknown key_type: '%s'", group_by);
	if (cumulative && !group_by_can_cumulate(by))
		ui_usage_error("cumulative mode cannot be used with key type '%s'", group_by);
	ui_exclude("--json", common.json, "--title", title);
	traceback_check(traceback_limit, common.json, &traceback);
	ui_needs("--confidential-files", traceback.confidential_files != NULL, "--traceback", traceback.wanted);
	choice_check(&choice);
	return by;
}

/* How far the numbers of NEW are above those of OLD. */
static struct change {
	int64_t size, count;
} change_of(const struct group_value v[GROUP_SIDES])
{
	return (struct change){ (int64_t)(v[GROUP_NEW].size - v[GROUP_OLD].size),
				(int64_t)(v[GROUP_NEW].count - v[GROUP_OLD].count) };
}

static bool is_hidden(const struct group_stat *s)
{
	const struct change c = change_of(s->value);

	return changed_only && c.size == 0 && c.count == 0;
}

static const struct source_frame *frames_of(struct diff *d, const struct group_stat *s, size_t *ret)
{
	return group_frames(d->sides[s->node_side].report.stacks, s->node, ret);
}

static int print_row(struct diff *d, const struct group_stat *s, FILE *f)
{
	const struct group_value new = s->value[GROUP_NEW];
	const struct change c = change_of(s->value);
	char *const key = group_key(d->groups, s);
	char size[32], more[32];
	size_t n;

	if (!key)
		return TRK_ERR_NOMEM;
	ui_text(f, key);
	free(key);
	fprintf(f, ": size=%s (%s), count=%" PRIu64 " (%+" PRId64 ")",
		ui_size(size, sizeof(size), (int64_t)new.size, false),
		ui_size(more, sizeof(more), c.size, true), new.count, c.count);
	if (new.count)
		fprintf(f, ", average=%s",
			ui_size_fraction(size, sizeof(size), (double)new.size / (double)new.count,
					 false));
	fputc('\n', f);
	if (traceback.wanted) {
		const struct source_frame *const frames = frames_of(d, s, &n);
		traceback_print(f, "", frames, n, &traceback);
	}
	return 0;
}

static int json_row(struct diff *d, const struct group_stat *s, struct ui_json *j)
{
	const struct change c = change_of(s->value);
	char *const key = group_key(d->groups, s);
	uint64_t number;
	const char *const text = group_text(d->groups, s, &number);

	if (!key)
		return TRK_ERR_NOMEM;
	ui_json_object(j, NULL);
	ui_json_string(j, "key", key);
	free(key);
	if (d->by <= GROUP_TRACEBACK) {
		ui_json_string(j, "file", text);
		ui_json_uint(j, "line", number);
	}
	ui_json_uint(j, "size", s->value[GROUP_NEW].size);
	ui_json_int(j, "size_diff", c.size);
	ui_json_uint(j, "count", s->value[GROUP_NEW].count);
	ui_json_int(j, "count_diff", c.count);
	if (traceback.wanted || d->by == GROUP_TRACEBACK) {
		size_t n;
		const struct source_frame *const frames = frames_of(d, s, &n);
		traceback_json(j, "traceback", frames, n);
	}
	ui_json_end(j);
	return 0;
}

static void json_margins(struct ui_json *j, uint64_t every, const struct group_value *v)
{
	const struct sampled_margin m = sampled_margin(every, &v->error);

	sampled_json(j, every);
	sampled_json_margin(j, "total_size", every, m.bytes);
	sampled_json_margin(j, "total_count", every, m.count);
}

static void json_head(struct diff *d, struct ui_json *j)
{
	static const char *const names[] = { [GROUP_OLD] = "old", [GROUP_NEW] = "new" };
	const struct change c = change_of(d->groups->total);

	ui_json_begin_report(j, "tracker.diff", 1);
	for (int i = 0; i < GROUP_SIDES; i++) {
		ui_json_object(j, names[i]);
		ui_json_string(j, "capture", d->sides[i].report.capture->path);
		report_json(j, &d->sides[i].report);
		choice_json(j, "point", &d->sides[i].view_options, &d->sides[i].view);
		ui_json_uint(j, "total_size", d->groups->total[i].size);
		ui_json_uint(j, "total_count", d->groups->total[i].count);
		json_margins(j, d->sides[i].view.sample_bytes, &d->groups->total[i]);
		domains_json(&d->sides[i].domains, j);
		ui_json_end(j);
	}
	ui_json_string(j, "group_by", group_by);
	ui_json_bool(j, "cumulative", cumulative);
	ui_json_int(j, "total_size_diff", c.size);
	ui_json_int(j, "total_count_diff", c.count);
	ui_json_array(j, "rows");
}

static void print_sampled(const struct diff *d, FILE *f)
{
	for (int i = 0; i < GROUP_SIDES; i++) {
		const struct side *const s = &d->sides[i];

		if (s->view.sample_bytes)
			fputs(i == GROUP_OLD ? "old: " : "new: ", f);
		sampled_print(f, &s->view, &s->view_options);
	}
}

static int write_report(struct diff *d, FILE *f)
{
	uint64_t left = limit ? limit : UINT64_MAX;
	struct ui_json j;
	int err = 0;

	ui_json_init(&j, f, false);
	if (common.json)
		json_head(d, &j);
	else
		print_sampled(d, f);
	if (!common.json && title)
		fprintf(f, "[ Top %" PRIu64 " differences ]\n",
			limit ? limit : (uint64_t)d->groups->stat_count);
	for (size_t i = 0; i < d->groups->stat_count && left && !err; i++) {
		const struct group_stat *const s = &d->groups->stats[i];
		if (is_hidden(s))
			continue;
		err = common.json ? json_row(d, s, &j) : print_row(d, s, f);
		left--;
	}
	if (common.json) {
		ui_json_end(&j);
		ui_json_end(&j);
	}
	return err;
}

static int open_side(struct diff *d, enum group_side which, const char *operand)
{
	struct side *const s = &d->sides[which];
	int status = report_open(&s->report, operand, &common);

	if (status)
		return status;
	choice_apply(&choice, &s->report, &s->view_options);
	group_by_view(d->by, &s->view_options);
	status = report_stacks(&s->report, &common);
	if (!status)
		status = report_view(&s->report, &s->view_options, &s->view);
	if (!status)
		kept_say(&s->report, which == GROUP_OLD ? "old: " : "new: ", &s->view_options, &s->view);
	if (!status)
		report_unnamed(&s->report, &s->view, &s->filters);
	return status;
}

static int compare(struct diff *d)
{
	const struct side *const old = &d->sides[GROUP_OLD], *const new = &d->sides[GROUP_NEW];
	const struct group_options o = {
		.by = d->by,
		.portable = old->report.capture->header.id != new->report.capture->header.id,
	};

	if (grouping_new(&d->groups, &o) < 0)
		return TRK_ERR_NOMEM;
	for (int i = 0; i < GROUP_SIDES; i++) {
		struct side *const s = &d->sides[i];
		const struct group_source from = {
			.capture = s->report.capture,
			.stacks = s->report.stacks,
			.view = &s->view,
			.filters = &s->filters,
			.cumulative = cumulative,
		};
		if (grouping_add(d->groups, i, &from) < 0 ||
		    domains_filtered(&s->domains, &s->view, s->report.stacks, &s->filters) < 0)
			return TRK_ERR_NOMEM;
	}
	grouping_sort_differences(d->groups);
	return 0;
}

static int run(struct diff *d, char **operands, FILE *f)
{
	for (int i = 0; i < GROUP_SIDES; i++) {
		const int status = open_side(d, i, operands[i]);
		if (status)
			return status;
	}
	if (compare(d) < 0 || write_report(d, f) < 0) {
		ui_error("out of memory");
		return UI_CANNOT;
	}
	return UI_OK;
}

static int gate(const struct diff *d)
{
	const int64_t growth = change_of(d->groups->total).size;
	char grown[32], allowed[32];

	if (growth <= 0 || (uint64_t)growth <= fail_above)
		return UI_OK;
	ui_error("grew by %s, more than the %s that --fail-above allows",
		 ui_size(grown, sizeof(grown), growth, false),
		 ui_size(allowed, sizeof(allowed), (int64_t)fail_above, false));
	return UI_GATE;
}

int main(int argc, char **argv)
{
	const int first = ui_parse(&command, argc, argv, false);
	struct diff d = { .by = check_usage() };
	struct ui_output out;

	for (int i = 0; i < GROUP_SIDES; i++) {
		filters_from_options(&d.sides[i].filters, &filtering);
		filters_from_list(&d.sides[i].filters, i == GROUP_OLD ? "--filter-old" : "--filter-new",
				  &filters_of[i]);
	}
	int status = ui_output_open(&out, common.output, common.force);
	if (!status)
		status = run(&d, argv + first, out.file);
	if (!status)
		status = ui_output_close(&out);
	else
		ui_output_discard(&out);
	if (!status)
		status = gate(&d);
	grouping_free(d.groups);
	for (int i = 0; i < GROUP_SIDES; i++) {
		filters_finish(&d.sides[i].filters);
		domains_finish(&d.sides[i].domains);
		view_finish(&d.sides[i].view);
		report_close(&d.sides[i].report);
	}
	return status;
}
