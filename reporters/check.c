/*
 * tracker-check - holds a capture against budgets, for tests: how large the peak may be, how much may leak, and which functions may
 * not allocate.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/kept.h"
#include "common/no_alloc.h"
#include "common/report.h"
#include "common/selection.h"
#include "common/traceback.h"

#define UNSET UINT64_MAX
#define STACKS 5u /* that are shown of a function that may not allocate, */
#define DEPTH 16u /* ... with so many frames, for people */

static struct report_options common;
static struct traceback_options traceback;
static struct short_paths paths;
static struct ui_list functions;
static bool allow_truncated;
static uint64_t most_peak = UNSET, most_allocations = UNSET, most_leak = UNSET, most_temporary = UNSET, found[4];
static struct no_alloc under;

static const struct ui_option options[] = {
	{ 0, "no-alloc-under", UI_LIST, &functions, "FUNCTION", "no allocation may have a function of that name (a shell pattern) in its stack", 0, 0 },
	{ 0, "max-peak", UI_SIZE, &most_peak, "SIZE", "the peak may be at most SIZE", 0, 0 },
	{ 0, "max-allocations", UI_UINT, &most_allocations, "N", "there may be at most N allocations", 0, 0 },
	{ 0, "max-leak", UI_SIZE, &most_leak, "SIZE", "at most SIZE may leak; what the C and C++ runtimes keep does not count", 0, 0 },
	{ 0, "max-temporary", UI_UINT, &most_temporary, "N", "there may be at most N temporary allocations", 0, 0 },
	{ 0, "allow-truncated", UI_FLAG, &allow_truncated, NULL, "pass a capture that is not whole", 0, 0 },
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

/* ---- what is measured ---- */

static int measure_peak(struct report *r, uint64_t *ret)
{
	*ret = r->view.totals.peak_bytes;
	return UI_OK;
}

static int measure_allocations(struct report *r, uint64_t *ret)
{
	*ret = r->view.totals.allocations;
	return UI_OK;
}

static int measure_leak(struct report *r, uint64_t *ret)
{
	struct view_options o = { .what = VIEW_LEAKS, .process = r->process };
	struct kept kept = { 0 };
	struct view v = { 0 };
	int status = report_view(r, &o, &v);

	if (!status)
		status = kept_find(r, &o, &v, &kept);
	*ret = v.bytes - kept.bytes;
	view_finish(&v);
	return status;
}

static int measure_temporary(struct report *r, uint64_t *ret)
{
	struct view_options o = { .what = VIEW_TEMPORARY, .threshold = selection_threshold(r), .process = r->process };
	struct view v = { 0 };
	const int status = report_view(r, &o, &v);

	*ret = v.count;
	view_finish(&v);
	return status;
}

static const struct budget {
	const char *name;
	const uint64_t *most;
	bool is_size;
	const char *of; /* for people */
	int (*measure)(struct report *r, uint64_t *ret);
} budgets[] = {
	{ "max-peak", &most_peak, true, "the peak is", measure_peak },
	{ "max-allocations", &most_allocations, false, "allocations:", measure_allocations },
	{ "max-leak", &most_leak, true, "not freed:", measure_leak },
	{ "max-temporary", &most_temporary, false, "temporary allocations:", measure_temporary },
};

#define BUDGETS (sizeof(budgets) / sizeof(*budgets))

static size_t failed_count(void)
{
	size_t n = 0;

	for (size_t i = 0; i < BUDGETS; i++)
		n += *budgets[i].most != UNSET && found[i] > *budgets[i].most;
	for (size_t i = 0; i < under.count; i++)
		n += under.items[i].count > 0;
	return n;
}

static size_t asked_count(void)
{
	size_t n = functions.count;

	for (size_t i = 0; i < BUDGETS; i++)
		n += *budgets[i].most != UNSET;
	return n;
}

/* If nothing is asked, all are, without a limit. */
static bool is_shown(const struct budget *b)
{
	return *b->most != UNSET || !asked_count();
}

static void check(struct report *r)
{
	(void)r;
	traceback_check_sources(report_form(&common), &traceback);
}

static void ask(struct report *r)
{
	if (!selection_is_whole(r))
		ui_usage_error("a point (CAPTURE@POINT) is not allowed: a whole capture is checked");
	r->asked = (struct view_options){ .what = VIEW_ALLOCATIONS, .process = r->process };
	r->at.from.kind = POINT_END;
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

/* The files of the stacks that are shown. */
static int find_paths(const struct report *r)
{
	int err = 0;

	for (size_t i = 0; i < under.count; i++) {
		for (size_t j = 0; j < under.items[i].stack_count; j++) {
			size_t n;
			const struct source_frame *const frames = stacks_frames(r->stacks, under.items[i].stacks[j].node, &n);

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
	for (size_t i = 0; i < BUDGETS && !status; i++)
		if (is_shown(&budgets[i]))
			status = budgets[i].measure(r, &found[i]);
	return status ? status : find_paths(r);
}

/* ---- what is said of it ---- */

static const struct emit_column columns[] = {
	{ "check" }, { "function" }, { "limit" }, { "found" }, { "found_bytes" }, { "passed" }, { "verdict", EMIT_FOR_PEOPLE }, { "most", EMIT_FOR_PEOPLE }, { "of", EMIT_FOR_PEOPLE }
};

static struct emit_value amount(const struct budget *b, uint64_t n)
{
	return b->is_size ? emit_size(n) : emit_count(n);
}

static const char *verdict(bool passed)
{
	return !asked_count() ? "    " : passed ? "ok  " :
						  "FAIL";
}

static void describe_budget(struct emit *e, const struct budget *b, uint64_t n)
{
	const bool passed = n <= *b->most;
	const struct emit_value most = *b->most == UNSET ? emit_null() : amount(b, *b->most);

	emit_row(e, (struct emit_value[]){ emit_words(b->name), emit_null(), most, amount(b, n), emit_null(), emit_flag(passed),
					   emit_words(verdict(passed)), most, emit_words(b->of) });
}

/* How many of the most recent frames before `place` lead to the interpreter's last one, which people have not written. */
static size_t of_interpreter(const struct source_frame *frames, size_t place)
{
	size_t last = 0;

	for (size_t i = 0; i < place && frames[i].skipped; i++)
		last = frames[i].interpreter ? i + 1 : last;
	return last;
}

static void describe_stacks(const struct report *r, struct emit *e, const struct no_alloc_function *f)
{
	static const struct emit_column of_stack[] = { { "size" }, { "count" } };
	static const struct emit_table table = { EMIT_TABLE("stacks", of_stack), .sentence = "  {size} in {count} allocation{count:s}\n" };
	struct traceback_calls calls = {
		.sources = traceback.sources,
		.paths = &paths,
		.not_after = (int64_t)(r->capture->header.start_unix_ns / 1000000000),
	};

	emit_table(e, &table);
	for (size_t i = 0; i < f->stack_count; i++) {
		size_t n;
		const struct source_frame *const frames = stacks_frames(r->stacks, f->stacks[i].node, &n);
		const size_t place = no_alloc_place(f, frames, n);
		const size_t first = of_interpreter(frames, place);

		calls.depth = place - first + 1 > DEPTH ? place - first + 1 : DEPTH;
		emit_row_begin(e, (struct emit_value[]){ emit_size(f->stacks[i].bytes), emit_count(f->stacks[i].count) });
		traceback_emit_calls(e, "stack", frames + first, n - first, &calls);
		emit_end(e);
	}
	emit_end(e);
}

static void describe_functions(const struct report *r, struct emit *e)
{
	for (size_t i = 0; i < under.count; i++) {
		const struct no_alloc_function *const f = &under.items[i];

		emit_row_begin(e, (struct emit_value[]){ emit_words("no-alloc-under"), emit_words(f->pattern), emit_count(0), emit_count(f->count),
							 emit_size(f->bytes), emit_flag(!f->count), emit_words(verdict(!f->count)), emit_null(),
							 emit_words("allocations below it:") });
		describe_stacks(r, e, f);
		emit_end(e);
	}
}

static int describe(struct report *r, struct emit *e)
{
	static const struct emit_table table = {
		EMIT_TABLE("checks", columns),
		.sentence = "{verdict} --{check}[ {function:prose}][ {most}]: {of} {found}[, {found_bytes}]\n",
	};

	emit_figure(e, "capture", emit_words(r->capture->path));
	report_figures(e, r);
	sampled_figure(e, r->view.sample_bytes);
	emit_figure(e, "asked", emit_count(asked_count()));
	emit_figure(e, "failed", emit_count(failed_count()));
	emit_figure(e, "cut_count", emit_count(under.cut_count));
	sampled_say(e, &r->view, &r->asked);
	if (!asked_count())
		emit_say(e, "Nothing is checked. These options can have a limit:\n");
	emit_table(e, &table);
	for (size_t i = 0; i < BUDGETS; i++)
		if (is_shown(&budgets[i]))
			describe_budget(e, &budgets[i], found[i]);
	describe_functions(r, e);
	emit_end(e);
	if (under.cut_count)
		emit_say(e, "{cut_count} allocation{cut_count:s} of which not all frames were recorded (--nframe) may have the function, too\n");
	return 0;
}

static int gate(const struct report *r)
{
	char missing[COMPLETENESS_ROOM];
	const size_t failed = failed_count();

	if (failed) {
		if (!common.quiet)
			ui_error("%zu of %zu checks failed", failed, asked_count());
		return UI_GATE;
	}
	if (!asked_count() || allow_truncated || !*completeness_describe(r->capture, r->lost, missing))
		return UI_OK;
	ui_error("all checks hold for what is in %s, but it is not whole; --allow-truncated passes it all the same", r->capture->path);
	return UI_CANNOT;
}

static void finish(void)
{
	no_alloc_finish(&under);
	short_paths_finish(&paths);
}

int main(int argc, char **argv)
{
	static const struct report_kind kind = {
		.command = &command,
		.schema = "tracker.check",
		.table = "checks",
		.common = &common,
		.check = check,
		.ask = ask,
		.find = find,
		.describe = describe,
		.gate = gate,
		.finish = finish,
	};

	return report_main(&kind, argc, argv);
}
