/*
 * tracker-check - holds a capture against budgets, for tests: how large the peak may be, how much may leak, and which functions may
 * not allocate.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check/figures.h"
#include "check/results.h"
#include "common/selection.h"
#include "common/traceback.h"

#define STACKS 5u /* that are shown of a function that may not allocate, */
#define DEPTH 16u /* ... with so many frames, for people */

static struct report_options common;
static struct traceback_options traceback;
static struct short_paths paths;
static struct ui_list functions, suppressions;
static bool allow_truncated, no_mismatch, other_form;
static uint64_t most_peak = RESULT_UNKNOWN, most_allocations = RESULT_UNKNOWN, most_leak = RESULT_UNKNOWN, most_at_site = RESULT_UNKNOWN,
		most_temporary = RESULT_UNKNOWN;
static uint64_t *const limits[FIGURES] = {
	/* in the order of their results */
	[FIGURE_PEAK] = &most_peak,
	[FIGURE_ALLOCATIONS] = &most_allocations,
	[FIGURE_LEAK] = &most_leak,
	[FIGURE_LEAK_PER_SITE] = &most_at_site,
	[FIGURE_TEMPORARY] = &most_temporary,
};
static const char *baseline, *tolerance, *form, *budgets;
static double tolerated_percent; /* of an older capture's figure */
static struct no_alloc under;
static struct figure_found found[FIGURES], was[FIGURES];
static struct check_results results;
static char incomplete[COMPLETENESS_ROOM];

static const char *const forms[] = { "text", "json", "csv", "junit", "tap", "github", "sarif", NULL };

static const struct ui_option options[] = {
	{ 0, "no-alloc-under", UI_LIST, &functions, "FUNCTION", "no allocation may have a function of that name (a shell pattern) in its stack", 0, 0 },
	{ 0, "max-peak", UI_SIZE, &most_peak, "SIZE", "the peak may be at most SIZE", 0, 0 },
	{ 0, "max-allocations", UI_UINT, &most_allocations, "N", "there may be at most N allocations", 0, 0 },
	{ 0, "max-leak", UI_SIZE, &most_leak, "SIZE", "at most SIZE may leak; what the C and C++ runtimes keep does not count", 0, 0 },
	{ 0, "max-leak-per-site", UI_SIZE, &most_at_site, "SIZE", "the same of any one stack", 0, 0 },
	{ 0, "max-temporary", UI_UINT, &most_temporary, "N", "there may be at most N temporary allocations", 0, 0 },
	{ 0, "allocator-mismatch", UI_FLAG, &no_mismatch, NULL, "no block may be released by a function that does not fit: free after new", 0, 0 },
	{ 0, "baseline", UI_STRING, &baseline, "CAPTURE", "peak, allocations, leaks and temporary allocations may not be more than in this one", 0, 0 },
	{ 0, "tolerance", UI_STRING, &tolerance, "PERCENT", "... by more than this share of it (default: 0%)", 0, 0 },
	{ 0, "budgets", UI_SETTINGS, &budgets, "FILE", "take options from FILE, one a line: max-peak = 64M", 0, 0 },
	{ 0, "suppressions", UI_LIST, &suppressions, "FILE", "do not count leaks that this file of LeakSanitizer or valgrind names", 0, 0 },
	{ 0, "allow-truncated", UI_FLAG, &allow_truncated, NULL, "pass a capture that is not whole", 0, 0 },
	{ 0, "format", UI_STRING, &form, "FORM", "text, json, csv, junit, tap, github or sarif", 0, 0, forms },
	TRACEBACK_SOURCES_OPTION(traceback),
	SHORT_PATHS_OPTION(paths),
	REPORT_STACK_OPTIONS(common),
	REPORT_QUIET_OPTION(common),
	REPORT_CSV_OPTION(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_absent absent[] = {
	{ "filter", "budgets hold for everything; tracker stats has it" },
	{ "include", "budgets hold for everything; tracker stats has it" },
	{ "exclude", "budgets hold for everything; tracker stats has it" },
	{ "domain", "budgets hold for everything; tracker stats has it" },
	{ "thread", "budgets hold for everything; tracker stats has it" },
	{ "limit", "all budgets are shown" },
	{ NULL, NULL },
};

static const struct ui_command command = {
	.name = "tracker-check",
	.usage = "[options] CAPTURE",
	.summary = "Holds a capture against budgets, for tests.",
	.details = "The exit status is 0 when all hold, 3 when one does not, and 1 when that cannot be\n"
		   "said: no function has the name, or the capture is not whole. Without a budget, all\n"
		   "figures are shown that can have one.\n\n"
		   "Examples:\n"
		   "  tracker check --no-alloc-under process_block app.bin\n"
		   "  tracker check --max-peak 100M --max-leak 0 app.bin\n",
	.options = options,
	.absent = absent,
	.min_operands = 1,
	.max_operands = 1,
};

/* ---- what is asked ---- */

/* "2%", "0.5". */
static double percent_of(const char *text)
{
	char *end;
	const double percent = strtod(text, &end);

	end += *end == '%';
	if (end == text || *end || !(percent >= 0) || !isfinite(percent))
		ui_usage_error("argument --tolerance: %s is no share; use 2%% or 0.5%%", text);
	return percent;
}

static void choose_form(void)
{
	if (!form)
		return;
	ui_exclude("--format", true, "--json", common.json);
	ui_exclude("--format", true, "--csv", common.csv);
	ui_exclude("--format", true, "--quiet", common.quiet);
	common.json = strcmp(form, "json") == 0;
	common.csv = strcmp(form, "csv") == 0;
	other_form = !common.json && !common.csv && strcmp(form, "text") != 0;
}

static bool is_limited(size_t figure)
{
	return limits[figure] ? *limits[figure] != RESULT_UNKNOWN : no_mismatch;
}

static bool anything_asked(void)
{
	bool any = functions.count || baseline;

	for (size_t i = 0; i < FIGURES; i++)
		any |= is_limited(i);
	return any;
}

static bool counts_leaks(void)
{
	return is_limited(FIGURE_LEAK) || is_limited(FIGURE_LEAK_PER_SITE) || baseline || !anything_asked();
}

static void check(struct report *r)
{
	(void)r;
	choose_form();
	ui_needs("--suppressions", suppressions.count != 0, "--max-leak, --max-leak-per-site or --baseline", counts_leaks());
	ui_needs("--tolerance", tolerance != NULL, "--baseline", baseline != NULL);
	ui_exclude("--baseline", baseline != NULL, "--pid", common.pid != 0);
	if (tolerance)
		tolerated_percent = percent_of(tolerance);
	traceback_check_sources(other_form ? "--format" : report_form(&common), &traceback);
}

static void ask(struct report *r)
{
	if (!selection_is_whole(r))
		ui_usage_error("a point (CAPTURE@POINT) is not allowed: a whole capture is checked");
	r->asked = (struct view_options){ .what = VIEW_ALLOCATIONS, .process = r->process };
	r->at.from.kind = POINT_END;
}

/* If nothing is asked, all that can have a limit are, without one. */
static bool is_wanted(size_t figure)
{
	return is_limited(figure) || (baseline && figures[figure].baseline) || (!anything_asked() && !figures[figure].always_zero);
}

/* ---- what is measured ---- */

static int measure_baseline(void)
{
	struct report_options o = common;
	struct report old = { 0 };
	char missing[COMPLETENESS_ROOM];
	int status = report_open(&old, baseline, &o);

	if (!status && !selection_is_whole(&old))
		ui_usage_error("argument --baseline: a point (CAPTURE@POINT) is not allowed: a whole capture is compared");
	if (!status)
		status = report_stacks(&old, &o);
	old.asked = (struct view_options){ .what = VIEW_ALLOCATIONS, .process = old.process };
	if (!status)
		status = report_view(&old, &old.asked, &old.view);
	for (size_t i = 0; i < FIGURES && !status; i++)
		if (figures[i].baseline)
			status = figures[i].measure(&old, &suppressions, &was[i]);
	if (!status && !allow_truncated && *completeness_describe(old.capture, old.lost, missing)) {
		ui_error("argument --baseline: %s is not whole, so nothing can be compared with it; --allow-truncated compares it all the same", baseline);
		status = UI_CANNOT;
	}
	report_close(&old);
	return status;
}

/* Whatever the recorded program has: a name that nothing has would hold always. */
static int refuse_unknown(const struct report *r)
{
	for (size_t i = 0; i < under.count; i++) {
		const struct no_alloc_function *const f = &under.items[i];

		if (f->known)
			continue;
		ui_error("--no-alloc-under %s: no function has that name, in the stacks of %s and in the files that it was recorded from; "
			 "look for the name in tracker report %s, or give a pattern like '*%s*'",
			 f->pattern, r->capture->path, r->capture->path, f->pattern);
		return UI_CANNOT;
	}
	return UI_OK;
}

/* ---- what is found ---- */

static void add_result(struct check_result c)
{
	c.passed = c.limit == RESULT_UNKNOWN || c.found <= c.limit;
	results.failed += !c.passed;
	results.items[results.count++] = c;
}

static void add_figure(size_t i)
{
	const struct figure *const f = &figures[i];

	add_result((struct check_result){ .check = f->option, .option = f->option, .of = f->of, .is_size = f->is_size, .limit = limits[i] ? *limits[i] : no_mismatch ? 0 :
																				       RESULT_UNKNOWN,
					  .found = found[i].amount,
					  .bytes = RESULT_UNKNOWN,
					  .was = RESULT_UNKNOWN,
					  .told = found[i].told,
					  .stacks = &found[i].biggest,
					  .stack_count = found[i].biggest.node ? 1 : 0 });
}

static void add_compared(size_t i)
{
	const struct figure *const f = &figures[i];
	const double more = (double)was[i].amount * tolerated_percent / 100;
	const uint64_t room = UINT64_MAX - 1 - was[i].amount;

	add_result((struct check_result){ .check = f->baseline, .option = "baseline", .subject = baseline, .of = f->of, .is_size = f->is_size, .limit = was[i].amount + (more < 0x1p62 && more < (double)room ? (uint64_t)more : room), .found = found[i].amount, .bytes = RESULT_UNKNOWN, .was = was[i].amount, .told = "" });
}

static void add_function(const struct no_alloc_function *f)
{
	add_result((struct check_result){ .check = "no-alloc-under", .option = "no-alloc-under", .subject = f->pattern, .of = "allocations below it:", .limit = 0, .found = f->count, .bytes = f->bytes, .was = RESULT_UNKNOWN, .told = "", .stacks = f->stacks, .stack_count = f->stack_count, .function = f });
}

static int collect(const struct report *r)
{
	results.items = calloc(2 * FIGURES + under.count + 1, sizeof(*results.items));
	if (!results.items)
		return TRK_ERR_NOMEM;
	results.asked = anything_asked();
	for (size_t i = 0; i < FIGURES; i++)
		if (is_wanted(i) && (is_limited(i) || !results.asked))
			add_figure(i);
	for (size_t i = 0; i < FIGURES && baseline; i++)
		if (figures[i].baseline)
			add_compared(i);
	for (size_t i = 0; i < under.count; i++)
		add_function(&under.items[i]);
	if (results.asked && !allow_truncated && *completeness_describe(r->capture, r->lost, incomplete))
		results.incomplete = incomplete;
	return 0;
}

/* The files of the stacks that are shown. */
static int find_paths(const struct report *r)
{
	int err = 0;

	for (size_t i = 0; i < results.count; i++) {
		for (size_t j = 0; j < results.items[i].stack_count; j++) {
			size_t n;
			const struct source_frame *const frames = stacks_frames(r->stacks, results.items[i].stacks[j].node, &n);

			for (size_t k = 0; k < n && !err; k++)
				err = short_paths_add(&paths, frames[k].has_source ? frames[k].file : frames[k].module);
		}
	}
	short_paths_settle(&paths);
	return err;
}

static int find(struct report *r)
{
	int status = no_alloc_find(&under, r, &functions, STACKS);

	if (!status)
		status = refuse_unknown(r);
	for (size_t i = 0; i < FIGURES && !status; i++)
		if (is_wanted(i))
			status = figures[i].measure(r, &suppressions, &found[i]);
	if (!status && baseline)
		status = measure_baseline();
	if (!status)
		status = collect(r);
	return status ? status : find_paths(r);
}

/* ---- what is said of it ---- */

static const struct emit_column columns[] = {
	{ "check" }, { "function" }, { "limit" }, { "found" }, { "found_bytes" }, { "passed" }, { "baseline" }, { "detail" }, { "verdict", EMIT_FOR_PEOPLE }, { "option", EMIT_FOR_PEOPLE }, { "most", EMIT_FOR_PEOPLE }, { "allowed", EMIT_FOR_PEOPLE }, { "subject", EMIT_FOR_PEOPLE }, { "of", EMIT_FOR_PEOPLE }
};

static struct emit_value amount(const struct check_result *c, uint64_t n)
{
	return n == RESULT_UNKNOWN ? emit_null() : c->is_size ? emit_size(n) :
								emit_count(n);
}

static const char *verdict(const struct check_result *c)
{
	return !results.asked ? "    " : c->passed ? "ok  " :
						     "FAIL";
}

static void begin_row(struct emit *e, const struct check_result *c)
{
	const bool is_limit = !c->subject && strncmp(c->option, "max-", 4) == 0;
	const struct emit_value limit = amount(c, c->limit);

	emit_row_begin(e, (struct emit_value[]){
				  emit_words(c->check), emit_words(c->function ? c->subject : NULL), limit, amount(c, c->found),
				  c->bytes == RESULT_UNKNOWN ? emit_null() : emit_size(c->bytes), emit_flag(c->passed), amount(c, c->was),
				  emit_words(*c->told ? c->told : NULL), emit_words(verdict(c)), emit_words(c->option), is_limit ? limit : emit_null(),
				  c->was != RESULT_UNKNOWN ? limit : emit_null(), emit_words(c->subject), emit_words(c->of) });
}

/* How many of the most recent frames before `place` lead to the interpreter's last one, which people have not written. */
static size_t of_interpreter(const struct source_frame *frames, size_t place)
{
	size_t last = 0;

	for (size_t i = 0; i < place && frames[i].skipped; i++)
		last = frames[i].interpreter ? i + 1 : last;
	return last;
}

static void describe_stacks(const struct report *r, struct emit *e, const struct check_result *c)
{
	static const struct emit_column of_stack[] = { { "size" }, { "count" } };
	static const struct emit_table table = { EMIT_TABLE("stacks", of_stack), .sentence = "  {size} in {count} allocation{count:s}\n" };
	struct traceback_calls calls = {
		.sources = traceback.sources,
		.paths = &paths,
		.not_after = (int64_t)(r->capture->header.start_unix_ns / 1000000000),
	};

	emit_table(e, &table);
	for (size_t i = 0; i < c->stack_count && !c->passed; i++) {
		size_t n;
		const struct source_frame *const frames = stacks_frames(r->stacks, c->stacks[i].node, &n);
		const size_t place = c->function ? no_alloc_place(c->function, frames, n) : n;
		const size_t first = of_interpreter(frames, place);

		calls.depth = c->function && place - first + 1 > DEPTH ? place - first + 1 : DEPTH;
		emit_row_begin(e, (struct emit_value[]){ emit_size(c->stacks[i].bytes), emit_count(c->stacks[i].count) });
		traceback_emit_calls(e, "stack", frames + first, n - first, &calls);
		emit_end(e);
	}
	emit_end(e);
}

static int describe(struct report *r, struct emit *e)
{
	static const struct emit_table table = {
		EMIT_TABLE("checks", columns),
		.sentence = "{verdict} --{option}[ {subject:prose}][ {most}]: {of} {found}[, {found_bytes}][ ({detail:prose})]"
			    "[; it was {baseline}][, and may be {allowed}]\n",
	};

	emit_figure(e, "capture", emit_words(r->capture->path));
	report_figures(e, r);
	sampled_figure(e, r->view.sample_bytes);
	emit_figure(e, "asked", emit_count(results.asked ? results.count : 0));
	emit_figure(e, "failed", emit_count(results.failed));
	emit_figure(e, "cut_count", emit_count(under.cut_count));
	sampled_say(e, &r->view, &r->asked);
	if (!results.asked)
		emit_say(e, "Nothing is checked. These options can have a limit:\n");
	emit_table(e, &table);
	for (size_t i = 0; i < results.count; i++) {
		begin_row(e, &results.items[i]);
		if (results.asked && (results.items[i].function || results.items[i].stack_count))
			describe_stacks(r, e, &results.items[i]);
		emit_end(e);
	}
	emit_end(e);
	if (under.cut_count)
		emit_say(e, "{cut_count} allocation{cut_count:s} of which not all frames were recorded (--nframe) may have the function, too\n");
	return 0;
}

static int write_other_form(struct report *r, FILE *f)
{
	const struct check_form *as = check_forms;

	while (strcmp(as->name, form) != 0)
		as++;
	return as->write(&results, r, f);
}

static int gate(const struct report *r)
{
	if (results.failed) {
		if (!common.quiet)
			ui_error("%zu of %zu checks failed", results.failed, results.count);
		return UI_GATE;
	}
	if (!results.incomplete)
		return UI_OK;
	ui_error("all checks hold for what is in %s, but it is not whole; --allow-truncated passes it all the same", r->capture->path);
	return UI_CANNOT;
}

static void finish(void)
{
	no_alloc_finish(&under);
	free(results.items);
	short_paths_finish(&paths);
}

int main(int argc, char **argv)
{
	static const struct report_kind kind = {
		.command = &command,
		.schema = "tracker.check",
		.table = "checks",
		.common = &common,
		.wants_other_form = &other_form,
		.write_other_form = write_other_form,
		.check = check,
		.ask = ask,
		.find = find,
		.describe = describe,
		.gate = gate,
		.finish = finish,
	};

	return report_main(&kind, argc, argv);
}
