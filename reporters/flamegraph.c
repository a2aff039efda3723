/*
 * tracker-flamegraph - what holds memory, by call stack: a page for the browser,
 * nested JSON or folded stacks.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/selection.h"
#include "flame/page.h"
#include "flame/flame_write.h"
#include "common/answers.h"
#include "common/endings.h"
#include "common/kept.h"
#include "common/narrow.h"

#define NODES_DEFAULT 100000

enum format {
	FORMAT_HTML,
	FORMAT_JSON,
	FORMAT_FOLDED,
};

static struct flamegraph {
	struct report_options common;
	struct selection_options selection;
	struct filter_options filtering;
	const char *format, *metric;
	bool inverted, split_threads;
	uint64_t max_nodes; /* 0: not given */
} opt = { .selection = SELECTION_INIT };

static const struct ui_option options[] = {
	SELECTION_OPTIONS(opt.selection),
	{ 0, "inverted", UI_FLAG, &opt.inverted, NULL,
	  "allocating functions first, their callers on top", 0, 0 },
	{ 0, "split-threads", UI_FLAG, &opt.split_threads, NULL, "keep threads apart", 0, 0 },
	{ 0, "format", UI_STRING, &opt.format, "html|json|folded", "html (default), json or folded", 0, 0 },
	{ 0, "metric", UI_STRING, &opt.metric, "bytes|count",
	  "bytes (default) or count: the weight of folded stacks, and the width that the page shows first", 0, 0 },
	{ 0, "max-nodes", UI_UINT, &opt.max_nodes, "N",
	  "keep the N heaviest nodes in the page and merge the others (default 100000)", 1, 1000000 },
	FILTER_OPTIONS(opt.filtering),
	REPORT_THREAD_OPTION(opt.common),
	REPORT_STACK_OPTIONS(opt.common),
	REPORT_OPTIONS(opt.common),
	{ 0 },
};

static const struct ui_absent absent[] = {
	{ "limit", "a flame graph holds all stacks; --max-nodes bounds the page, and tracker tree has it" },
	{ NULL, NULL },
};

static const struct ui_command command = {
	.name = "tracker-flamegraph",
	.usage = "[options] CAPTURE[@POINT]",
	.summary = "Shows which call stacks hold memory, at the peak or at POINT.",
	.details = "The page is written to tracker-flamegraph-CAPTURE.html (without .bin) beside the\n"
		   "capture; json and folded go to stdout. Use -o FILE, or -o - for stdout.\n"
		   "\n" REPORT_POINTS "\n"
		   "Examples:\n"
		   "  tracker flamegraph app.bin                     the heap at its peak\n"
		   "  tracker flamegraph --leaks app.bin             what was never freed\n"
		   "  tracker flamegraph app.bin@1.5s                live 1.5 s after the start\n"
		   "  tracker flamegraph --format folded app.bin | flamegraph.pl > app.svg\n",
	.options = options,
	.absent = absent,
	.min_operands = 1,
	.max_operands = 1,
};

static enum format chosen_format(void)
{
	static const char *const names[] = { "html", "json", "folded", NULL };
	char meant[UI_MEANT_ROOM], wanted[64];

	snprintf(wanted, sizeof(wanted), "--format %s", opt.format ? opt.format : "");
	ui_exclude("--json", opt.common.json, wanted, opt.format && strcmp(opt.format, "json") != 0);
	if (opt.common.json)
		return FORMAT_JSON;
	for (size_t i = 0; opt.format && names[i]; i++) {
		if (strcmp(opt.format, names[i]) == 0)
			return (enum format)i;
	}
	if (opt.format)
		ui_usage_error("argument --format: invalid choice '%s'; use html, json or folded%s", opt.format, ui_meant(opt.format, names, "", meant));
	return FORMAT_HTML;
}

/* What gives way may change the format. */
static enum format checked_format(void)
{
	const char *const json = opt.common.json ? "--json" : "--format json";

	ui_exclude(json, chosen_format() == FORMAT_JSON, "--metric", opt.metric != NULL);
	ui_exclude(chosen_format() == FORMAT_JSON ? json : "--format folded", chosen_format() != FORMAT_HTML, "--max-nodes", opt.max_nodes != 0);
	return chosen_format();
}

static bool by_count(void)
{
	if (opt.metric && strcmp(opt.metric, "bytes") != 0 && strcmp(opt.metric, "count") != 0)
		ui_usage_error("argument --metric: invalid choice '%s'; use bytes or count", opt.metric);
	return opt.metric && strcmp(opt.metric, "count") == 0;
}

/* "dir/app.bin" -> "dir/tracker-flamegraph-app.html". */
static char *default_name(const char *capture)
{
	const char *const slash = strrchr(capture, '/');
	const char *const base = slash ? slash + 1 : capture;
	const size_t n = strlen(base);
	const size_t stem = n > 4 && strcmp(base + n - 4, ".bin") == 0 ? n - 4 : n;
	char *name;

	if (asprintf(&name, "%.*stracker-flamegraph-%.*s.html", (int)(base - capture), capture, (int)stem, base) < 0)
		return NULL;
	return name;
}

static int no_memory(void)
{
	ui_error("out of memory");
	return UI_CANNOT;
}

static int make_tree(struct flame_tree **ret, const struct page *p)
{
	struct report *const r = p->report;
	struct ui_progress progress;
	int err = flame_tree_new(ret, p->options);

	for (uint32_t i = 0; i < p->tab_count && !err; i++) {
		ui_progress_start(&progress, "reading stacks", p->tabs[i].view->row_count);
		err = flame_tree_fill(*ret, r->capture, r->stacks, p->tabs[i].view, i, p->options, &progress);
		ui_progress_end(&progress);
	}
	if (!err)
		err = flame_tree_seal(*ret);
	return err;
}

static int write_json(const struct flame_tree *t, const struct report *r, const struct view *v,
		      const struct view_options *vo, FILE *f)
{
	const struct sampled_margin m = sampled_view_margin(v, vo);
	struct emit *const e = emit_new(EMIT_JSON_LINE, f, NULL);

	if (!e)
		return TRK_ERR_NOMEM;
	emit_document(e, "tracker.flamegraph", 1);
	emit_figure(e, "capture", emit_words(r->capture->path));
	report_figures(e, r);
	emit_figure(e, "total_bytes", emit_about(emit_size(v->bytes), v->sample_bytes, m.bytes));
	emit_figure(e, "total_count", emit_about(emit_count(v->count), v->sample_bytes, m.count));
	sampled_figure(e, v->sample_bytes);
	selection_figures(e, "point", vo, v);
	emit_figure(e, "inverted", emit_flag(opt.inverted));
	flame_write_json(t, r->capture, emit_json(e), "root");
	return emit_end_all(e);
}

static int write_page(struct page *p, FILE *f)
{
	struct report *const r = p->report;
	struct flame_flat flat = { 0 };
	struct ui_progress progress;
	struct history *const history = malloc(sizeof(*history));
	int err = TRK_ERR_NOMEM;

	if (!history)
		goto out;
	ui_progress_start(&progress, "reading events", r->capture->event_count);
	err = history_collect(history, r->capture, r->process, &progress);
	ui_progress_end(&progress);
	if (!err)
		err = flame_prune(p->tree, opt.max_nodes ? opt.max_nodes : NODES_DEFAULT, &flat);
	if (!err) {
		p->history = history;
		err = page_write(p, &flat, f);
	}
out:
	flame_flat_finish(&flat);
	free(history);
	return err;
}

/* The tabs of a page about a whole recording. */
static void fill_tabs(struct page *p, const struct answers *a, enum view_what shown)
{
	static const struct {
		const char *name;
		enum answer answer;
	} tabs[] = { { "Peak", ANSWER_PEAK }, { "Not freed", ANSWER_LIVE }, { "Temporary", ANSWER_TEMPORARY }, { "Allocated", ANSWER_ALLOCATED } };

	p->view = &a->of[ANSWER_PEAK];
	p->tab_count = sizeof(tabs) / sizeof(*tabs);
	for (uint32_t i = 0; i < p->tab_count; i++) {
		p->tabs[i] = (struct page_tab){ tabs[i].name, &a->of[tabs[i].answer], &a->asked[tabs[i].answer] };
		if (a->asked[tabs[i].answer].what == shown)
			p->first = i;
	}
}

/* all: NULL, or the answers for a page with tabs. */
static int write_output(struct report *r, const struct view_options *vo, const struct answers *all, enum format format, FILE *f)
{
	const struct flame_options o = {
		.inverted = opt.inverted,
		.no_skip = opt.common.no_skip,
		.drop_hidden = format != FORMAT_HTML,
		.by_line = format == FORMAT_HTML,
		.by_group = format != FORMAT_HTML && opt.split_threads,
		.threads = opt.split_threads,
	};
	struct flame_tree *tree = NULL;
	struct page page = {
		.report = r, .view = &r->view, .tabs = { { "", &r->view, &r->asked } }, .tab_count = 1, .options = &o, .by_count = by_count()
	};

	if (all)
		fill_tabs(&page, all, vo->what);
	int err = make_tree(&tree, &page);

	page.tree = tree;
	if (!err && format == FORMAT_HTML)
		err = write_page(&page, f);
	else if (!err && format == FORMAT_FOLDED)
		err = flame_write_folded(tree, r->capture, by_count(), f);
	else if (!err)
		err = write_json(tree, r, &r->view, &r->asked, f);
	flame_tree_free(tree);
	if (err == TRK_ERR_NOMEM)
		return no_memory();
	if (err)
		ui_error("cannot read the events of %s: %s", r->capture->path, strerror(errno));
	return err ? UI_CANNOT : UI_OK;
}

static void say_about(struct report *r, const struct view_options *asked, const struct view *v)
{
	kept_say(r, "", asked, v);
	endings_warn("", r->capture, asked, v);
	report_unnamed(r, v, NULL);
}

static int prepare(struct report *r)
{
	const int code = report_stacks(r, &opt.common);

	return !code && opt.common.thread ? narrow_find_threads(r, opt.common.thread) : code;
}

/* As report_main asks. */
static int answer(struct report *r, const struct view_options *vo)
{
	int code = prepare(r);

	if (code)
		return code;
	r->asked = *vo;
	narrow_ask(r);
	code = report_view(r, &r->asked, &r->view);
	if (code)
		return code;
	narrow_to_threads(r);
	narrow_to_filters(r);
	say_about(r, &r->asked, &r->view);
	return UI_OK;
}

/* All that is asked of a whole recording; what is said is about the question at hand. */
static int answer_all(struct report *r, const struct view_options *vo, struct answers *all)
{
	int code = prepare(r);

	if (!code)
		code = answers_find(all, r, vo);
	for (unsigned i = 0; i < ANSWERS && !code; i++)
		if (all->asked[i].what == vo->what)
			say_about(r, &all->asked[i], &all->of[i]);
	return code;
}

static int run(struct report *r, struct view_options *vo, enum format format)
{
	const bool page = format == FORMAT_HTML, tabs = page && !r->has_point;
	struct answers all = { 0 };
	char *const path = opt.common.output ? strdup(opt.common.output) :
			   page		     ? default_name(r->capture->path) :
					       strdup("-");
	struct ui_output output = { 0 };
	int code = path ? ui_output_open(&output, path, opt.common.force) : no_memory();

	if (code)
		goto out;
	ui_output_look(&output, &opt.common.look, false);
	code = tabs ? answer_all(r, vo, &all) : answer(r, vo);
	if (!code)
		code = write_output(r, vo, tabs ? &all : NULL, format, output.file);
	if (code)
		ui_output_discard(&output);
	else
		code = ui_output_close(&output);
	if (!code && page && strcmp(path, "-") != 0)
		printf("Wrote %s\n", path);
out:
	answers_finish(&all);
	free(path);
	return code;
}

int main(int argc, char **argv)
{
	const int first = ui_parse(&command, argc, argv, false);
	const enum format format = checked_format();
	struct view_options vo = { .by_thread = opt.split_threads };
	struct report report = { 0 };

	opt.common.keep_interpreter = true;
	selection_check(&opt.selection);
	filters_from_options(&report.filters, &opt.filtering);
	by_count(); /* a usage error comes before anything is read */
	int code = report_open(&report, argv[first], &opt.common);
	if (code)
		return code;
	code = report_settle_filters(&report, false);
	if (code)
		return code;
	selection_apply(&opt.selection, &report, &vo);
	if (vo.what != VIEW_TEMPORARY)
		vo.threshold = (uint32_t)selection_threshold(&report); /* of the page's tab */
	vo.rows_only = format != FORMAT_HTML; /* the page shows totals */
	code = run(&report, &vo, format);
	report_close(&report);
	return code == UI_OK && fflush(stdout) != 0 ? UI_CANNOT : code;
}
