/*
 * tracker-export - a capture as a file of another program: pprof, speedscope, folded stacks, DHAT, Callgrind, Massif, heaptrack.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/endings.h"
#include "common/narrow.h"
#include "export/export.h"

static const struct format {
	const char *name, *ending, *opens; /* opens: what to do with it */
	export_write_fn *write;
	bool of_one; /* it has one figure: --metric */
	bool by_row; /* threads and ways to allocate have rows of their own */
	const char *(*refuses)(const struct report *r); /* NULL: it takes every capture, and parts of it */
} formats[] = {
	{ "pprof", "pb.gz", "go tool pprof -sample_index=peak_space -http=: %s", export_pprof, false, false, NULL },
	{ "speedscope", "speedscope.json", "https://www.speedscope.app opens %s (it stays on this machine)", export_speedscope, false, false, NULL },
	{ "folded", "folded", "flamegraph.pl %s > graph.svg", export_folded, true, false, NULL },
	{ "csv", "csv", "any program for tables opens %s", export_csv, true, true, NULL },
	{ "dhat", "dhat.json", "/usr/libexec/valgrind/dh_view.html or https://profiler.firefox.com opens %s", export_dhat, false, false, export_dhat_refuses },
	{ "callgrind", "callgrind.out", "callgrind_annotate %s, or kcachegrind %s", export_callgrind, false, false, NULL },
	{ "massif", "massif.out", "ms_print %s", export_massif, false, false, export_massif_refuses },
	{ "heaptrack", "heaptrack", "heaptrack_print %s, or heaptrack_gui %s", export_heaptrack, false, false, export_heaptrack_refuses },
};
static export_write_fn write_sums;
static const struct format sums = { "json", NULL, NULL, write_sums, false, false, NULL };
#define FORMATS (sizeof(formats) / sizeof(*formats))

static const char *const format_names[] = { "pprof", "speedscope", "folded", "csv", "dhat", "callgrind", "massif", "heaptrack", NULL };
static const char *const metric_names[] = { "allocated", "live", "peak", "temporary", "allocated-count", "live-count", "peak-count", "temporary-count", NULL };

static struct report_options common;
static struct filter_options filtering;
static const char *format_name, *metric;
static bool split_threads;

static const struct ui_option options[] = {
	{ 0, "format", UI_STRING, &format_name, "FORMAT", "pprof (default), speedscope, folded, csv, dhat, callgrind, massif or heaptrack", 0, 0, format_names },
	{ 0, "metric", UI_STRING, &metric, "METRIC",
	  "the figure of folded stacks and csv: peak (default), live, allocated, temporary (bytes), or one of these with -count (blocks)", 0, 0, metric_names },
	{ 0, "split-threads", UI_FLAG, &split_threads, NULL, "keep threads apart: in pprof, as labels", 0, 0 },
	FILTER_OPTIONS(filtering),
	REPORT_THREAD_OPTION(common),
	REPORT_STACK_OPTIONS(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_absent absent[] = {
	{ "limit", "another program's file holds all stacks" },
	{ "csv", "a format is an operand: tracker export csv CAPTURE" },
	{ NULL, NULL },
};

static const struct ui_command command = {
	.name = "tracker-export",
	.usage = "[options] [FORMAT] CAPTURE[@POINT]",
	.summary = "Writes a capture as a file of another program.",
	.details = "The file is written to tracker-export-CAPTURE.ENDING (without .bin) beside the capture. Use\n"
		   "-o FILE, or -o - for stdout. pprof and speedscope get all figures of each stack: what was\n"
		   "live at the peak, what is live at the end or at POINT (inuse), all that was allocated, and\n"
		   "temporary allocations. --json prints the sums of these figures, and writes no such file.\n"
		   "\n" REPORT_POINTS "\n"
		   "Examples:\n"
		   "  tracker export app.bin && go tool pprof -top -sample_index=peak_space tracker-export-app.pb.gz\n"
		   "  tracker export speedscope -o app.speedscope.json app.bin\n"
		   "  tracker export folded --metric allocated-count -o - app.bin | flamegraph.pl > app.svg\n",
	.options = options,
	.absent = absent,
	.min_operands = 1,
	.max_operands = 2,
};

/* As an option, or as the first of two operands. Exits if there is no such format. */
static void take_format(const char *operand)
{
	for (size_t i = 0; operand && i < FORMATS; i++)
		if (strcmp(formats[i].name, operand) == 0) {
			ui_exclude("--format", format_name != NULL, operand, true);
			format_name = operand;
			return;
		}
	if (operand) {
		ui_error("Format not supported: %s; there are pprof, speedscope, folded, csv, dhat, callgrind, massif and heaptrack", operand);
		exit(UI_CANNOT);
	}
}

static const struct format *chosen_format(void)
{
	if (common.json)
		return &sums;
	for (size_t i = 1; i < FORMATS; i++)
		if (format_name && strcmp(formats[i].name, format_name) == 0)
			return &formats[i];
	return &formats[0]; /* the options have these choices only */
}

static struct export_options chosen_metric(void)
{
	size_t i = EXPORT_PEAK;

	for (size_t k = 0; metric && metric_names[k]; k++)
		if (strcmp(metric, metric_names[k]) == 0)
			i = k;
	return (struct export_options){ (enum export_metric)(i % EXPORT_METRICS), i >= EXPORT_METRICS };
}

/* "dir/app.bin" -> "dir/tracker-export-app.pb.gz". */
static char *default_name(const char *capture, const char *ending)
{
	const char *const slash = strrchr(capture, '/'), *const base = slash ? slash + 1 : capture;
	const size_t n = strlen(base), stem = n > 4 && strcmp(base + n - 4, ".bin") == 0 ? n - 4 : n;
	char *name;

	if (asprintf(&name, "%.*stracker-export-%.*s.%s", (int)(base - capture), capture, (int)stem, base, ending) < 0)
		return NULL;
	return name;
}

static int no_memory(void)
{
	ui_error("out of memory");
	return UI_CANNOT;
}

/* ---- what is written ---- */

/* --json: not a file of another program, but what would be in one. */
static int write_sums(struct export *x, const struct export_options *o, FILE *f)
{
	static const char *const keys[EXPORT_METRICS] = { "allocated", "live", "peak", "temporary" };
	struct emit *const e = emit_new(EMIT_JSON_LINE, f, NULL);

	(void)o;
	if (!e)
		return TRK_ERR_NOMEM;
	emit_document(e, "tracker.export", 1);
	emit_figure(e, "capture", emit_words(x->report->capture->path));
	report_figures(e, x->report);
	emit_figure(e, "stacks", emit_count(x->row_count));
	for (unsigned m = 0; m < EXPORT_METRICS; m++) {
		emit_group(e, keys[m]);
		emit_figure(e, "size", emit_size(x->total[m].bytes));
		emit_figure(e, "count", emit_count(x->total[m].count));
		emit_end(e);
	}
	return emit_end_all(e);
}

static void say_written(const struct format *f, const char *path)
{
	printf("Wrote ");
	ui_text(stdout, path);
	printf("; next: ");
	for (const char *s = f->opens; *s; s++)
		if (*s == '%' && s[1] == 's') {
			ui_text(stdout, path);
			s++;
		} else {
			putchar(*s);
		}
	putchar('\n');
}

/* ---- the work ---- */

static int written(const struct report *r, int err)
{
	if (err == TRK_ERR_NOMEM)
		return no_memory();
	if (err)
		ui_error("cannot read the events of %s: %s", r->capture->path, strerror(errno));
	return err ? UI_CANNOT : UI_OK;
}

/* A capture with one process is that process's. */
static bool accepts(const struct format *f, struct report *r)
{
	const char *why;

	if (r->process == UINT32_MAX && r->capture->process_count == 1)
		r->process = 0;
	why = f->refuses ? f->refuses(r) : NULL;
	if (why)
		ui_error("%s %s", r->capture->path, why);
	return !why;
}

static int fill(struct export *x, struct report *r, const struct format *f, FILE *file)
{
	const struct export_options o = chosen_metric();
	int code = accepts(f, r) ? report_stacks(r, &common) : UI_CANNOT;

	if (!code && common.thread)
		code = narrow_find_threads(r, common.thread);
	if (!code)
		code = export_find(x, r, split_threads || f->by_row, f->by_row);
	return code ? code : written(x->report, f->write(x, &o, file));
}

static int run(struct report *r, const struct format *f)
{
	char *const path = common.output ? strdup(common.output) :
			   f->ending	 ? default_name(r->capture->path, f->ending) :
					   strdup("-");
	struct ui_output output = { 0 };
	struct export x = { 0 };
	int code = path ? ui_output_open(&output, path, common.force) : no_memory();

	if (!code) {
		code = fill(&x, r, f, output.file);
		if (code)
			ui_output_discard(&output);
		else
			code = ui_output_close(&output);
	}
	if (!code && f->opens && strcmp(path, "-") != 0)
		say_written(f, path);
	export_finish(&x);
	free(path);
	return code;
}

/* The lives of blocks are told of whole stacks, and the heap over time of whole processes. */
static void exclude_parts(const struct format *f)
{
	char option[32];

	snprintf(option, sizeof(option), "--format %s", f->name);
	ui_exclude(option, f->refuses != NULL, "--thread", common.thread != NULL);
	ui_exclude(option, f->refuses != NULL, "--split-threads", split_threads);
	ui_exclude(option, f->refuses != NULL, "--domain", filtering.domains.count != 0);
	ui_exclude(option, f->write == export_massif, "--filter", filtering.filters.count != 0);
	ui_exclude(option, f->write == export_massif, "--include", filtering.includes.count != 0);
	ui_exclude(option, f->write == export_massif, "--exclude", filtering.excludes.count != 0);
}

int main(int argc, char **argv)
{
	const int first = ui_parse(&command, argc, argv, false);
	struct report report = { 0 };
	int code;

	take_format(first + 1 < argc ? argv[first] : NULL);
	const struct format *const f = chosen_format();

	exclude_parts(f);
	ui_exclude("--json", common.json, "--format", format_name != NULL);
	ui_exclude("--json", common.json, "--metric", metric != NULL);
	if (metric && !f->of_one)
		ui_usage_error("argument --metric: %s has all figures; folded and csv have one", f->name);
	filters_from_options(&report.filters, &filtering);
	code = report_open(&report, argv[argc - 1], &common);
	if (code)
		return code;
	code = report_settle_filters(&report, false);
	if (code)
		return code;
	code = run(&report, f);
	report_close(&report);
	return code == UI_OK && fflush(stdout) != 0 ? UI_CANNOT : code;
}
