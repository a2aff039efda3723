/*
 * tracker-leaks - what was still allocated when its process ended, by stack.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "choice.h"
#include "domains.h"
#include "report.h"
#include "reserved.h"
#include "suppress.h"
#include "traceback.h"

static struct report_options common;
static uint64_t limit;
static struct ui_list files;
static bool no_builtin, print_suppressions, fail_on_leak;

static const struct ui_option options[] = {
	{ 'n', "limit", UI_UINT, &limit, "N", "stacks to print (default 0: all)", 0, 0 },
	{ 0, "suppressions", UI_LIST, &files, "FILE", "leave out what a LeakSanitizer file names", 0,
	  0 },
	{ 0, "no-builtin-suppressions", UI_FLAG, &no_builtin, NULL,
	  "show what the C and C++ runtimes keep, too", 0, 0 },
	{ 0, "print-suppressions", UI_FLAG, &print_suppressions, NULL,
	  "print how much each suppression left out", 0, 0 },
	{ 0, "fail-on-leak", UI_FLAG, &fail_on_leak, NULL, "exit 3 when there is a leak", 0, 0 },
	REPORT_STACK_OPTIONS(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-leaks",
	.usage = "[options] CAPTURE",
	.summary = "Prints what was never freed, by stack, the biggest first.",
	.details = "A block leaks when it is still allocated at the end of its process.\n"
		   "Of a recording that stopped earlier (tracker run --duration) it is what was live then.\n"
		   "Exit status: 3 with --fail-on-leak when something leaked.\n\n"
		   "Examples:\n"
		   "  tracker leaks app.bin\n"
		   "  tracker leaks --suppressions lsan.supp --fail-on-leak app.bin\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

struct leak {
	uint32_t node;
	uint64_t bytes, count;
	struct sampling_error error;
};

struct leaks {
	struct report report;
	struct view view;
	struct suppressions suppressions;
	struct leak *rows; /* what is left, by stack */
	size_t row_count;
	uint64_t bytes, count, suppressed_bytes, suppressed_count;
	struct sampling_error error; /* of bytes and count */
	struct domains domains;
};

/* ---- figures ---- */

static int by_node(const void *a, const void *b)
{
	const struct leak *x = a, *y = b;

	return x->node < y->node ? -1 : x->node > y->node;
}

static int by_weight(const void *a, const void *b)
{
	const struct leak *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return by_node(a, b);
}

/* One row per stack, whatever processes and functions allocated there. */
static int join_stacks(struct leaks *l)
{
	size_t rows = 0, n = 0;

	l->rows = calloc(l->view.row_count + 1, sizeof(*l->rows));
	if (!l->rows)
		return TRK_ERR_NOMEM;
	for (size_t i = 0; i < l->view.row_count; i++) {
		const struct view_row *const r = &l->view.rows[i];

		if (!r->bytes && r->kind == TRK_MMAP) /* an arena that nobody touched */
			continue;
		l->rows[rows++] = (struct leak){ r->node, r->bytes, r->count, view_error(&l->view, r) };
	}
	qsort(l->rows, rows, sizeof(*l->rows), by_node);
	for (size_t i = 0; i < rows; i++) {
		if (n && l->rows[n - 1].node == l->rows[i].node) {
			l->rows[n - 1].bytes += l->rows[i].bytes;
			l->rows[n - 1].count += l->rows[i].count;
			sampling_join(&l->rows[n - 1].error, &l->rows[i].error);
		} else {
			l->rows[n++] = l->rows[i];
		}
	}
	l->row_count = n;
	return 0;
}

static void leave_out_suppressed(struct leaks *l)
{
	size_t kept = 0;

	for (size_t i = 0; i < l->row_count; i++) {
		const struct leak row = l->rows[i];
		size_t n;
		const struct source_frame *frames = stacks_frames(l->report.stacks, row.node, &n);
		struct suppression *s = suppressions_match(&l->suppressions, frames, n);

		if (s) {
			s->bytes += row.bytes;
			s->count += row.count;
			l->suppressed_bytes += row.bytes;
			l->suppressed_count += row.count;
			continue;
		}
		l->bytes += row.bytes;
		l->count += row.count;
		sampling_join(&l->error, &row.error);
		l->rows[kept++] = row;
	}
	l->row_count = kept;
	qsort(l->rows, kept, sizeof(*l->rows), by_weight);
}

static bool is_left(void *leaks, const struct view_row *r)
{
	struct leaks *const l = leaks;
	size_t n;
	const struct source_frame *const frames = stacks_frames(l->report.stacks, r->node, &n);

	return (r->bytes || r->kind != TRK_MMAP) && !suppressions_match(&l->suppressions, frames, n);
}

/* Of what is left in the report. */
static void find_unnamed(struct leaks *l)
{
	struct report *const r = &l->report;

	unnamed_begin(&r->unnamed, r->capture);
	for (size_t i = 0; i < l->row_count; i++)
		unnamed_add(&r->unnamed, r->capture, r->stacks, l->rows[i].node, l->rows[i].bytes);
	unnamed_end(&r->unnamed, r->stacks);
}

static size_t shown(const struct leaks *l)
{
	return limit && limit < l->row_count ? (size_t)limit : l->row_count;
}

/* The frames to print: without the allocator's own, unless nothing else is there. */
static const struct source_frame *frames_of(const struct leaks *l, uint32_t node, size_t *ret_count)
{
	size_t n, skip = 0;
	const struct source_frame *frames = stacks_frames(l->report.stacks, node, &n);

	while (skip + 1 < n && frames[skip].skipped)
		skip++;
	*ret_count = n - skip;
	return frames + skip;
}

/* ---- text ---- */

static void print_frame(FILE *f, const struct source_frame *s, bool first)
{
	if (s->cut) {
		traceback_print_cut(f, "   ", s);
		return;
	}
	fprintf(f, "   %s ", first ? "at" : "by");
	if (!s->function[0] && !s->has_source && !s->offset) { /* an empty stack */
		fputs("<unknown>\n", f);
		return;
	}
	ui_text(f, s->function[0] ? s->function : "???");
	if (s->has_source) {
		fputs(" (", f);
		ui_text(f, s->file);
		fprintf(f, ":%" PRIu32 ")", s->line);
	} else {
		fputs(" (in ", f);
		ui_text(f, s->module);
		fprintf(f, "+0x%" PRIx64 ")", s->offset);
	}
	if (first && s->via) {
		fputs(" via ", f);
		ui_text(f, s->via);
	}
	fputc('\n', f);
}

static void print_leak(const struct leaks *l, const struct leak *row, FILE *f)
{
	size_t n;
	const struct source_frame *frames = frames_of(l, row->node, &n);
	const uint64_t every = l->view.sample_bytes;
	const struct sampled_margin m = sampled_margin(every, &row->error);
	char size[32], count[32], size_margin[48], count_margin[48];

	fprintf(f, "%s%s in %s%s block%s\n", ui_size(size, sizeof(size), (int64_t)row->bytes, false),
		sampled_size(size_margin, every, m.bytes), ui_count(count, sizeof(count), row->count),
		sampled_count(count_margin, every, m.count), row->count == 1 ? "" : "s");
	for (size_t i = 0; i < n; i++)
		print_frame(f, &frames[i], i == 0);
	fputc('\n', f);
}

static void print_used(const struct leaks *l, FILE *f)
{
	char size[32];

	fputs("Suppressions used:\n", f);
	for (size_t i = 0; i < l->suppressions.count; i++) {
		const struct suppression *s = &l->suppressions.items[i];

		if (!s->count)
			continue;
		fprintf(f, "%10" PRIu64 " %10s  ", s->count,
			ui_size(size, sizeof(size), (int64_t)s->bytes, false));
		ui_text(f, s->pattern);
		fputc('\n', f);
	}
	fputc('\n', f);
}

static void print_text(const struct leaks *l, FILE *f)
{
	const uint64_t every = l->view.sample_bytes;
	const struct sampled_margin m = sampled_margin(every, &l->error);
	char size[32], count[32], stacks[32], size_margin[48], count_margin[48];

	sampled_print(f, &l->view, &(struct view_options){ .what = VIEW_LEAKS });
	for (size_t i = 0; i < shown(l); i++)
		print_leak(l, &l->rows[i], f);
	if (shown(l) < l->row_count)
		fprintf(f, "%zu more stack%s; -n 0 shows all\n\n", l->row_count - shown(l),
			l->row_count - shown(l) == 1 ? "" : "s");
	if (print_suppressions)
		print_used(l, f);
	/* a program that runs on has leaked nothing yet */
	fprintf(f, "%s: %s%s in %s%s block%s from %s stack%s\n",
		whole_stopped_ns(l->report.capture) ? "Not freed when recording stopped" : "Leaked",
		ui_size(size, sizeof(size), (int64_t)l->bytes, false),
		sampled_size(size_margin, every, m.bytes), ui_count(count, sizeof(count), l->count),
		sampled_count(count_margin, every, m.count), l->count == 1 ? "" : "s",
		ui_count(stacks, sizeof(stacks), l->row_count), l->row_count == 1 ? "" : "s");
	if (l->suppressed_count)
		fprintf(f, "Suppressed: %s in %s block%s\n",
			ui_size(size, sizeof(size), (int64_t)l->suppressed_bytes, false),
			ui_count(count, sizeof(count), l->suppressed_count),
			l->suppressed_count == 1 ? "" : "s");
	domains_print(&l->domains, f, "Domain ", "block");
	/* what tracker run, stats and --leaks of other reports say */
	if (l->suppressed_count)
		fprintf(f, "Not freed: %s in %s block%s\n",
			ui_size(size, sizeof(size), (int64_t)(l->bytes + l->suppressed_bytes), false),
			ui_count(count, sizeof(count), l->count + l->suppressed_count),
			l->count + l->suppressed_count == 1 ? "" : "s");
	reserved_print(f, l->view.totals.most_reserved_bytes, l->view.totals.most_reserved_mappings, "\n");
}

/* ---- --json ---- */

static void json_rows(const struct leaks *l, struct ui_json *j)
{
	struct sampled_margin m;

	ui_json_array(j, "rows");
	for (size_t i = 0; i < shown(l); i++) {
		size_t n;
		const struct source_frame *frames = frames_of(l, l->rows[i].node, &n);

		ui_json_object(j, NULL);
		ui_json_uint(j, "size", l->rows[i].bytes);
		ui_json_uint(j, "count", l->rows[i].count);
		m = sampled_margin(l->view.sample_bytes, &l->rows[i].error);
		sampled_json_margin(j, "size", l->view.sample_bytes, m.bytes);
		sampled_json_margin(j, "count", l->view.sample_bytes, m.count);
		traceback_json(j, "stack", frames, n);
		ui_json_end(j);
	}
	ui_json_end(j);
}

static void print_json(const struct leaks *l, FILE *f)
{
	const struct sampled_margin m = sampled_margin(l->view.sample_bytes, &l->error);
	struct ui_json j;

	ui_json_init(&j, f, false);
	ui_json_begin_report(&j, "tracker.leaks", 1);
	ui_json_string(&j, "capture", l->report.capture->path);
	ui_json_uint(&j, "total_count", l->count);
	ui_json_uint(&j, "total_bytes", l->bytes);
	sampled_json(&j, l->view.sample_bytes);
	sampled_json_margin(&j, "total_count", l->view.sample_bytes, m.count);
	sampled_json_margin(&j, "total_bytes", l->view.sample_bytes, m.bytes);
	reserved_json(&j, &l->view.totals);
	ui_json_uint(&j, "suppressed_count", l->suppressed_count);
	ui_json_uint(&j, "suppressed_bytes", l->suppressed_bytes);
	ui_json_uint(&j, "not_freed_count", l->count + l->suppressed_count);
	ui_json_uint(&j, "not_freed_bytes", l->bytes + l->suppressed_bytes);
	domains_json(&l->domains, &j);
	ui_json_uint(&j, "row_count", l->row_count);
	json_rows(l, &j);
	ui_json_array(&j, "suppressions");
	for (size_t i = 0; i < l->suppressions.count; i++) {
		const struct suppression *s = &l->suppressions.items[i];

		if (!s->count)
			continue;
		ui_json_object(&j, NULL);
		ui_json_string(&j, "pattern", s->pattern);
		ui_json_bool(&j, "builtin", i < l->suppressions.builtin_count);
		ui_json_uint(&j, "count", s->count);
		ui_json_uint(&j, "size", s->bytes);
		ui_json_end(&j);
	}
	ui_json_end(&j);
	report_json(&j, &l->report);
	ui_json_end(&j);
}

/* ---- the whole ---- */

static int read_suppressions(struct leaks *l)
{
	int err = suppressions_init(&l->suppressions, !no_builtin);

	for (size_t i = 0; i < files.count && !err; i++) {
		unsigned line;

		err = suppressions_read(&l->suppressions, files.items[i], &line);
		if (err == TRK_ERR_IO)
			ui_error("Cannot read %s: %s", files.items[i], strerror(errno));
		if (err == TRK_ERR_ARG)
			ui_error("%s:%u: not a suppression; write leak:PATTERN", files.items[i],
				 line);
	}
	if (err == TRK_ERR_NOMEM)
		ui_error("out of memory");
	return err ? UI_CANNOT : UI_OK;
}

static int gather(struct leaks *l, const char *operand)
{
	struct view_options o = { .what = VIEW_LEAKS };
	int status = read_suppressions(l);

	if (!status)
		status = report_open(&l->report, operand, &common);
	if (!status && !choice_is_whole(&l->report))
		ui_usage_error("leaks are those at the end: tracker table %s shows another point",
			       operand);
	if (!status)
		status = report_stacks(&l->report, &common);
	o.process = l->report.process;
	if (!status)
		status = report_view(&l->report, &o, &l->view);
	if (status)
		return status;
	if (join_stacks(l) != 0) {
		ui_error("out of memory");
		return UI_CANNOT;
	}
	leave_out_suppressed(l);
	find_unnamed(l);
	if (domains_sum(&l->domains, &l->view, is_left, l) == 0)
		return UI_OK;
	ui_error("out of memory");
	return UI_CANNOT;
}

int main(int argc, char **argv)
{
	const int first = ui_parse(&command, argc, argv, false);
	struct leaks l = { 0 };
	struct ui_output out;
	int status = ui_output_open(&out, common.output, common.force);

	if (!status) {
		status = gather(&l, argv[first]);
		if (!status && common.json)
			print_json(&l, out.file);
		else if (!status)
			print_text(&l, out.file);
		if (!status)
			status = ui_output_close(&out);
		else
			ui_output_discard(&out);
		if (!status && fail_on_leak && l.count)
			status = UI_GATE;
	}
	free(l.rows);
	domains_finish(&l.domains);
	suppressions_finish(&l.suppressions);
	view_finish(&l.view);
	report_close(&l.report);
	return status;
}
