/*
 * tracker-table - the statistics of one point of a capture, line for line as
 * tracemalloc's Snapshot.statistics() prints them.
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
static struct traceback_options traceback;
static const char by_default[] = "lineno", *group_by = by_default, *traceback_limit;
static bool cumulative, title, pretty, list;
static uint64_t limit = 10;

static const struct ui_option options[] = {
	{ 'g', "group-by", UI_STRING, &group_by, "KEY",
	  "filename, lineno (default), traceback, function, module, thread or size", 0, 0 },
	{ 'c', "cumulative", UI_FLAG, &cumulative, NULL, "count a block for every frame of its stack",
	  0, 0 },
	{ 'n', "limit", UI_UINT, &limit, "N", "rows to print (default 10; 0: all)", 0, 0 },
	{ 0, "title", UI_FLAG, &title, NULL, "print [ Top N ] first", 0, 0 },
	{ 0, "pretty", UI_FLAG, &pretty, NULL, "short names, source lines, the rest and the total",
	  0, 0 },
	{ 0, "list", UI_FLAG, &list, NULL, "one line per block instead of groups", 0, 0 },
	{ 0, "traceback", UI_OPTIONAL_INT, &traceback_limit, "N",
	  "print each row's stack: the N most recent frames, or with -N the N oldest", 0, 0 },
	TRACEBACK_OPTIONS(traceback),
	FILTER_OPTIONS(filtering),
	CHOICE_OPTIONS(choice),
	REPORT_STACK_OPTIONS(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-table",
	.usage = "[options] CAPTURE[@POINT]",
	.summary = "Statistics of one point of a capture: its peak, unless a point is named.",
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

static enum group_by check_usage(void)
{
	enum group_by by;

	if (!group_by_parse(group_by, &by))
		ui_usage_error("unknown key_type: '%s'", group_by);
	if (cumulative && !group_by_can_cumulate(by))
		ui_usage_error("cumulative mode cannot be used with key type '%s'", group_by);
	ui_exclude("--list", list, "--pretty", pretty);
	ui_exclude("--list", list, "--cumulative", cumulative);
	ui_exclude("--list", list, "--group-by", group_by != by_default);
	ui_exclude("--json", common.json, "--pretty", pretty);
	ui_exclude("--json", common.json, "--title", title);
	ui_exclude("--list", list, "--title", title);
	traceback_check(traceback_limit, common.json, &traceback);
	ui_needs("--confidential-files", traceback.confidential_files != NULL, "--traceback or --pretty",
		 traceback.wanted || pretty);
	choice_check(&choice);
	return by;
}

struct table {
	struct report report;
	struct view view;
	struct view_options view_options;
	struct filters filters;
	struct grouping *groups;
	enum group_by by;
	struct domains domains;
};

static size_t shown(size_t rows)
{
	return limit && limit < rows ? (size_t)limit : rows;
}

static void print_traceback(struct table *t, const struct group_stat *s, FILE *f)
{
	size_t n;
	const struct source_frame *const frames = group_frames(t->report.stacks, s->node, &n);

	traceback_print(f, "", frames, n, &traceback);
}

/* ---- text ---- */

static void print_title(const char *name, size_t rows, FILE *f)
{
	if (title)
		fprintf(f, "[ %s %" PRIu64 " ]\n", name, limit ? limit : (uint64_t)rows);
}

static int print_row(struct table *t, const struct group_stat *s, FILE *f)
{
	const struct group_value v = s->value[GROUP_NEW];
	const uint64_t every = t->view.sample_bytes;
	const struct sampled_margin m = sampled_margin(every, &v.error);
	char *const key = group_key(t->groups, s);
	char size[32], size_margin[48], count_margin[48];

	if (!key)
		return TRK_ERR_NOMEM;
	ui_text(f, key);
	free(key);
	fprintf(f, ": size=%s%s, count=%" PRIu64 "%s",
		ui_size(size, sizeof(size), (int64_t)v.size, false),
		sampled_size(size_margin, every, m.bytes), v.count,
		sampled_count(count_margin, every, m.count));
	if (v.count)
		fprintf(f, ", average=%s", ui_size_fraction(size, sizeof(size),
							    (double)v.size / (double)v.count, false));
	fputc('\n', f);
	if (traceback.wanted)
		print_traceback(t, s, f);
	return 0;
}

static int print_rows(struct table *t, FILE *f)
{
	const size_t n = shown(t->groups->stat_count);
	int err = 0;

	sampled_print(f, &t->view, &t->view_options);
	print_title("Top", n, f);
	for (size_t i = 0; i < n && !err; i++)
		err = print_row(t, &t->groups->stats[i], f);
	return err;
}

/* ---- --pretty ---- */

static double kib(uint64_t bytes)
{
	return (double)bytes / 1024;
}

/* The last two parts of a path. */
static const char *short_path(const char *path)
{
	const char *const last = strrchr(path, '/');
	const char *second = last;

	while (second && second > path && second[-1] != '/')
		second--;
	return second ? second : path;
}

static int print_pretty_row(struct table *t, size_t index, FILE *f)
{
	const struct group_stat *const s = &t->groups->stats[index];
	const struct group_value v = s->value[GROUP_NEW];
	uint64_t number;
	const char *const text = group_text(t->groups, s, &number);

	if (t->by == GROUP_TRACEBACK) {
		fprintf(f, "%" PRIu64 " memory blocks: %.1f KiB\n", v.count, kib(v.size));
		print_traceback(t, s, f);
		return 0;
	}
	fprintf(f, "#%zu: ", index + 1);
	if (t->by == GROUP_LINENO || t->by == GROUP_FILENAME) {
		ui_text(f, short_path(text));
		fprintf(f, ":%" PRIu64, number);
	} else {
		char *const key = group_key(t->groups, s);
		if (!key)
			return TRK_ERR_NOMEM;
		ui_text(f, key);
		free(key);
	}
	fprintf(f, ": %.1f KiB\n", kib(v.size));
	if (t->by == GROUP_LINENO)
		traceback_print_source(f, "", text, number, &traceback);
	if (traceback.wanted)
		print_traceback(t, s, f);
	return 0;
}

static int print_pretty(struct table *t, FILE *f)
{
	static const char *const nouns[] = {
		[GROUP_FILENAME] = "files", [GROUP_LINENO] = "lines", [GROUP_TRACEBACK] = "stacks",
		[GROUP_FUNCTION] = "functions", [GROUP_MODULE] = "modules",
		[GROUP_THREAD] = "threads", [GROUP_SIZE] = "sizes",
	};
	const size_t all = t->groups->stat_count, n = shown(all);
	uint64_t other = 0, total = 0;
	int err = 0;

	sampled_print(f, &t->view, &t->view_options);
	fprintf(f, "Top %" PRIu64 " %s\n", limit ? limit : (uint64_t)n, nouns[t->by]);
	for (size_t i = 0; i < n && !err; i++)
		err = print_pretty_row(t, i, f);
	for (size_t i = 0; i < all; i++) {
		const uint64_t size = t->groups->stats[i].value[GROUP_NEW].size;
		total += size;
		other += i >= n ? size : 0;
	}
	if (all > n)
		fprintf(f, "%zu other: %.1f KiB\n", all - n, kib(other));
	fprintf(f, "Total allocated size: %.1f KiB\n", kib(total));
	domains_print(&t->domains, f, "Domain ", "block");
	return err;
}

/* ---- --json ---- */

static void json_margins(const struct table *t, struct ui_json *j, const char *size,
			 const char *count, const struct group_value *v)
{
	const uint64_t every = t->view.sample_bytes;
	const struct sampled_margin m = sampled_margin(every, &v->error);

	sampled_json_margin(j, size, every, m.bytes);
	sampled_json_margin(j, count, every, m.count);
}

static int json_row(struct table *t, struct ui_json *j, const struct group_stat *s)
{
	char *const key = group_key(t->groups, s);
	uint64_t number;
	const char *const text = group_text(t->groups, s, &number);

	if (!key)
		return TRK_ERR_NOMEM;
	ui_json_object(j, NULL);
	ui_json_string(j, "key", key);
	free(key);
	if (t->by <= GROUP_TRACEBACK) {
		ui_json_string(j, "file", text);
		ui_json_uint(j, "line", number);
	}
	ui_json_uint(j, "size", s->value[GROUP_NEW].size);
	ui_json_uint(j, "count", s->value[GROUP_NEW].count);
	json_margins(t, j, "size", "count", &s->value[GROUP_NEW]);
	if (traceback.wanted || t->by == GROUP_TRACEBACK) {
		size_t n;
		const struct source_frame *const frames =
			group_frames(t->report.stacks, s->node, &n);
		traceback_json(j, "traceback", frames, n);
	}
	ui_json_end(j);
	return 0;
}

static void json_head(struct table *t, struct ui_json *j)
{
	ui_json_begin_report(j, "tracker.table", 1);
	ui_json_string(j, "capture", t->report.capture->path);
	report_json(j, &t->report);
	choice_json(j, "point", &t->view_options, &t->view);
	sampled_json(j, t->view.sample_bytes);
}

static int json_rows(struct table *t, FILE *f)
{
	const size_t n = shown(t->groups->stat_count);
	struct ui_json j;
	int err = 0;

	ui_json_init(&j, f, false);
	json_head(t, &j);
	ui_json_string(&j, "group_by", group_by);
	ui_json_bool(&j, "cumulative", cumulative);
	ui_json_uint(&j, "total_size", t->groups->total[GROUP_NEW].size);
	ui_json_uint(&j, "total_count", t->groups->total[GROUP_NEW].count);
	json_margins(t, &j, "total_size", "total_count", &t->groups->total[GROUP_NEW]);
	domains_json(&t->domains, &j);
	ui_json_uint(&j, "row_count", t->groups->stat_count);
	ui_json_array(&j, "rows");
	for (size_t i = 0; i < n && !err; i++)
		err = json_row(t, &j, &t->groups->stats[i]);
	ui_json_end(&j);
	ui_json_end(&j);
	return err;
}

/* ---- --list ---- */

/* The biggest first; those of one stack by age. */
static int bigger_block(const void *left, const void *right)
{
	const struct view_block *const a = left, *const b = right;

	if (a->size != b->size)
		return a->size < b->size ? 1 : -1;
	if (a->node != b->node)
		return a->node < b->node ? -1 : 1;
	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	return a->address < b->address ? -1 : a->address > b->address;
}

/* What has no moment has no blocks of its own: a row stands for as many as it counts. */
static int blocks_of_rows(struct view *v)
{
	size_t n = 0;

	v->blocks = calloc((v->sample_bytes ? v->row_count : v->count) + 1, sizeof(*v->blocks));
	if (!v->blocks)
		return TRK_ERR_NOMEM;
	for (size_t i = 0; i < v->row_count; i++) {
		const struct view_row *const r = &v->rows[i];

		for (uint64_t k = 0; k < (v->sample_bytes ? 1 : r->count); k++)
			v->blocks[n++] = (struct view_block){
				.size = r->block_size, .node = r->node, .thread = r->thread,
				.process = r->process, .domain = r->domain, .kind = r->kind,
				.count = v->sample_bytes ? r->count : 1,
			};
	}
	v->block_count = n;
	return 0;
}

static uint64_t age_of(const struct table *t, const struct view_block *b)
{
	return t->view.time_ns > b->time_ns ? t->view.time_ns - b->time_ns : 0;
}

static void json_block(struct table *t, struct ui_json *j, const struct view_block *b,
		       const struct source_frame *frames, size_t n)
{
	const struct capture *const c = t->report.capture;

	ui_json_object(j, NULL);
	ui_json_string(j, "file", frames[0].file);
	ui_json_uint(j, "line", frames[0].line);
	ui_json_uint(j, "size", b->size);
	ui_json_uint(j, "count", b->count);
	ui_json_uint(j, "domain", b->domain);
	ui_json_string(j, "allocator", trk_kind_name(b->kind));
	if (t->view_options.blocks) {
		ui_json_uint(j, "address", b->address);
		ui_json_uint(j, "time_ns", b->time_ns);
		ui_json_uint(j, "age_ns", age_of(t, b));
	}
	if (b->process < c->process_count)
		ui_json_uint(j, "pid", c->processes[b->process].pid);
	else
		ui_json_null(j, "pid");
	if (b->thread < c->thread_count)
		ui_json_uint(j, "tid", c->threads[b->thread].tid);
	else
		ui_json_null(j, "tid");
	if (traceback.wanted)
		traceback_json(j, "traceback", frames, n);
	ui_json_end(j);
}

/* tracemalloc's line for a trace, and what it does not know. */
static void print_block(const struct table *t, const struct view_block *b,
			const struct source_frame *frames, size_t n, FILE *f)
{
	char size[32], thread[512];

	ui_text(f, frames[0].file);
	fprintf(f, ":%" PRIu32 ": %s, %s", frames[0].line,
		ui_size(size, sizeof(size), (int64_t)b->size, false), trk_kind_name(b->kind));
	if (t->view.sample_bytes)
		fprintf(f, " (stands for %s)", ui_count(size, sizeof(size), b->count));
	if (t->view_options.blocks)
		fprintf(f, " at 0x%" PRIx64, b->address);
	fputs(" by ", f);
	ui_text(f, group_thread(t->report.capture, b->thread, thread, sizeof(thread)));
	if (t->view_options.blocks)
		fprintf(f, ", %.3f s old", (double)age_of(t, b) / 1e9);
	fputc('\n', f);
	if (traceback.wanted)
		traceback_print(f, "", frames, n, &traceback);
}

static int print_list(struct table *t, FILE *f)
{
	struct view *const v = &t->view;
	uint64_t left = limit ? limit : UINT64_MAX;
	struct ui_json j;

	if (!t->view_options.blocks && blocks_of_rows(v) != 0)
		return TRK_ERR_NOMEM;
	ui_json_init(&j, f, false);
	if (common.json) {
		json_head(t, &j);
		ui_json_array(&j, "blocks");
	}
	if (v->block_count)
		qsort(v->blocks, v->block_count, sizeof(*v->blocks), bigger_block);
	for (size_t i = 0; i < v->block_count && left; i++) {
		const struct view_block *const b = &v->blocks[i];
		size_t n;
		const struct source_frame *const frames =
			group_frames(t->report.stacks, b->node, &n);

		if (!filters_pass(&t->filters, frames, n, b->domain))
			continue;
		if (common.json)
			json_block(t, &j, b, frames, n);
		else
			print_block(t, b, frames, n, f);
		left--;
	}
	if (common.json) {
		ui_json_end(&j);
		ui_json_end(&j);
	}
	return 0;
}

/* ---- the whole ---- */

static int group(struct table *t)
{
	const struct group_options o = { .by = t->by };
	const struct group_source from = {
		.capture = t->report.capture,
		.stacks = t->report.stacks,
		.view = &t->view,
		.filters = &t->filters,
		.cumulative = cumulative,
	};

	if (grouping_new(&t->groups, &o) < 0 || grouping_add(t->groups, GROUP_NEW, &from) < 0)
		return TRK_ERR_NOMEM;
	grouping_sort(t->groups);
	return 0;
}

static int write_report(struct table *t, FILE *f)
{
	if (list)
		return print_list(t, f);
	if (group(t) < 0 || domains_filtered(&t->domains, &t->view, t->report.stacks, &t->filters) < 0)
		return TRK_ERR_NOMEM;
	if (common.json)
		return json_rows(t, f);
	return pretty ? print_pretty(t, f) : print_rows(t, f);
}

static int run(struct table *t, const char *operand, FILE *f)
{
	int status = report_open(&t->report, operand, &common);

	if (status)
		return status;
	choice_apply(&choice, &t->report, &t->view_options);
	group_by_view(t->by, &t->view_options);
	t->view_options.blocks = list && (t->view_options.what == VIEW_LIVE ||
					  t->view_options.what == VIEW_LEAKS);
	t->view_options.by_size |= list && !t->view_options.blocks;
	t->view_options.by_thread |= list && !t->view_options.blocks;
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

int main(int argc, char **argv)
{
	const int first = ui_parse(&command, argc, argv, false);
	struct table t = { .by = check_usage() };
	struct ui_output out;

	filters_from_options(&t.filters, &filtering);
	if (pretty)
		filters_add(&t.filters, "-<unknown>");
	int status = ui_output_open(&out, common.output, common.force);
	if (!status)
		status = run(&t, argv[first], out.file);
	if (!status)
		status = ui_output_close(&out);
	else
		ui_output_discard(&out);
	grouping_free(t.groups);
	domains_finish(&t.domains);
	filters_finish(&t.filters);
	view_finish(&t.view);
	report_close(&t.report);
	return status;
}
