/*
 * tracker-leaks - prints the blocks that were live when their process ended, by stack.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/group.h"
#include "common/selection.h"
#include "common/leaked.h"
#include "common/report.h"
#include "common/reserved.h"
#include "common/traceback.h"
#include "leaks/lost_describe.h"

#define ROWS 10 /* that people see */
#define LOST_FRAMES 6u /* with verdicts, which take lines of their own */
#define DEPTH 20u /* the most frames of a stack */
#define DEPTH_UNSET UINT64_MAX

static struct report_options common;
static uint64_t limit = REPORT_LIMIT_UNSET, depth = DEPTH_UNSET;
static struct filter_options filtering;
static struct traceback_options traceback;
static struct short_paths paths;
static struct ui_list files;
static bool no_builtin, print_suppressions, fail_on_leak;

static const struct ui_option options[] = {
	REPORT_LIMIT_OPTION(limit, 10),
	{ 0, "depth", UI_UINT, &depth, "N", "frames to print of a stack (default: at most 20, so that the report stays short; 0: all)", 0,
	  UINT32_MAX - 1 },
	TRACEBACK_SOURCES_OPTION(traceback),
	SHORT_PATHS_OPTION(paths),
	FILTER_OPTIONS(filtering),
	{ 0, "suppressions", UI_LIST, &files, "FILE", "leave out what this file of LeakSanitizer or valgrind names", 0,
	  0 },
	{ 0, "no-builtin-suppressions", UI_FLAG, &no_builtin, NULL,
	  "also show what the C and C++ runtimes keep", 0, 0 },
	{ 0, "print-suppressions", UI_FLAG, &print_suppressions, NULL,
	  "print how much each suppression left out", 0, 0 },
	{ 0, "fail-on-leak", UI_FLAG, &fail_on_leak, NULL, "exit 3 when there is a leak", 0, 0 },
	REPORT_THREAD_OPTION(common),
	REPORT_STACK_OPTIONS(common),
	REPORT_QUIET_OPTION(common),
	REPORT_CSV_OPTION(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-leaks",
	.usage = "[options] CAPTURE[@POINT]",
	.summary = "Prints what was never freed, by stack, with the biggest first.",
	.details = "A block leaks when it is still allocated when its process exits.\n"
		   "Of a process that a signal ended, and of one that recording left while it ran (tracker run\n"
		   "--duration), the blocks that were live then are shown, and not called leaked.\n"
		   "With a point, only blocks count that were allocated before it; with a range\n"
		   "(CAPTURE@A..B), those that were allocated in it.\n"
		   "After tracker run --leak-check it also says which of the blocks nothing points to any more;\n"
		   "after --look-at-marks, of those that were live at the mark that is the point.\n"
		   "The exit status is 3 with --fail-on-leak when something leaked.\n\n" REPORT_POINTS "\n"
		   "Examples:\n"
		   "  tracker leaks app.bin\n"
		   "  tracker leaks --suppressions lsan.supp --fail-on-leak app.bin\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

static struct leaks found;
static int read_error;
static struct lost lost; /* what a look at the memory says of it */
static struct lost_shown lost_shown;
static struct alike_folds folds; /* what people see */
static size_t shown;
static uint32_t frames; /* of a stack */

/* ---- how much of it is shown ---- */

static uint32_t lines_of(const struct alike_stack *s)
{
	return 1 + s->has_source + (s->frames > frames ? frames + 1 : s->frames) + s->cut;
}

/* The totals, and the line of what is not shown. */
static uint32_t other_lines(const struct report *r)
{
	return 9 + (uint32_t)(r->domains.count > 1 ? r->domains.count : 0);
}

static bool fits(const struct report *r)
{
	uint32_t lines = other_lines(r);

	for (size_t i = 0; i < report_rows(&common, limit, ROWS, folds.count); i++)
		lines += lines_of(&folds.items[i]);
	return lines <= REPORT_LINES;
}

/* As many frames as fit, unless the user has said how many. */
static int fold(const struct report *r)
{
	static const uint32_t fewer[] = { 16, 12, 10, 8, 7, 6, 5, 4, 3, 2 };
	const bool bounded = depth == DEPTH_UNSET && limit == REPORT_LIMIT_UNSET;
	int err;

	frames = depth == DEPTH_UNSET ? DEPTH : depth ? (uint32_t)depth :
							ALIKE_WHOLE;
	if (report_form(&common))
		frames = ALIKE_WHOLE;
	err = alike_fold(&folds, r->stacks, found.rows, found.row_count, frames);
	for (size_t i = 0; !err && frames != ALIKE_WHOLE && bounded && i < sizeof(fewer) / sizeof(*fewer) && !fits(r); i++) {
		frames = fewer[i];
		alike_fold_more(&folds, frames);
	}
	shown = report_rows(&common, limit, ROWS, folds.count);
	return err;
}

/* The files of what people see. */
static int find_paths(const struct report *r)
{
	int err = 0;

	for (size_t i = 0; i < shown && !report_form(&common) && !err; i++) {
		size_t n;
		const struct source_frame *const stack = group_frames(r->stacks, folds.items[i].node, &n);

		for (size_t j = 0; j < n && j < frames && !err; j++)
			err = short_paths_add(&paths, stack[j].has_source ? stack[j].file : stack[j].module);
	}
	short_paths_settle(&paths);
	return err;
}

static int find_lost_paths(const struct report *r)
{
	int err = 0;

	for (unsigned v = 0; v < LOOK_VERDICTS; v++)
		for (size_t i = 0; i < lost_shown.rows[v] && !report_form(&common) && !err; i++) {
			size_t n;
			const struct source_frame *const stack = group_frames(r->stacks, lost.sections[v].rows[i].node, &n);

			for (size_t j = 0; j < n && j < lost_shown.frames && !err; j++)
				err = short_paths_add(&paths, stack[j].has_source ? stack[j].file : stack[j].module);
		}
	short_paths_settle(&paths);
	return err;
}

static int find_lost(struct report *r)
{
	size_t all = 0;
	int err = r->asked.blocks && lost.looks.count ? lost_find(&lost, r, &found.suppressions) : 0;

	if (err || !lost.any)
		return err;
	for (unsigned v = 0; v < LOOK_VERDICTS; v++)
		all += lost.sections[v].row_count;
	lost_share_rows(&lost, report_rows(&common, limit, ROWS, all), lost_shown.rows);
	lost_shown.frames = depth == DEPTH_UNSET ? LOST_FRAMES : depth ? (uint32_t)depth :
									 ALIKE_WHOLE;
	if (report_form(&common))
		lost_shown.frames = ALIKE_WHOLE;
	lost_shown.sources = traceback.sources;
	lost_shown.paths = &paths;
	return find_lost_paths(r);
}

static int find(struct report *r)
{
	int err = read_error ? read_error : find_lost(r);

	if (err)
		return err;
	found.judged = lost.any;
	err = leaked_find(&found, r);
	found.bytes -= lost.suppressed.bytes;
	found.count -= lost.suppressed.count;
	found.suppressed_bytes += lost.suppressed.bytes;
	found.suppressed_count += lost.suppressed.count;
	if (err || fold(r) < 0)
		return TRK_ERR_NOMEM;
	return lost.any ? 0 : find_paths(r);
}

/* ---- what is said of it ---- */

static void describe_row(const struct report *r, struct emit *e, const struct alike_stack *s)
{
	const uint64_t every = r->view.sample_bytes;
	const struct sampled_margin m = sampled_margin(every, &s->error);
	const struct traceback_calls calls = {
		.depth = frames,
		.least_frames = s->least_frames,
		.most_frames = s->frames,
		.sources = traceback.sources,
		.paths = &paths,
		.not_after = (int64_t)(r->capture->header.start_unix_ns / 1000000000),
	};
	size_t n;
	const struct source_frame *const stack = group_frames(r->stacks, s->node, &n);
	char *const folded = traceback_folded(e, stack, n);

	emit_row_begin(e, (struct emit_value[]){ emit_about(emit_size(s->bytes), every, m.bytes),
						 emit_about(emit_count(s->count), every, m.count), emit_optional(folded) });
	traceback_emit_calls(e, "stack", stack, n, &calls);
	emit_end(e);
	free(folded);
}

static void describe_rows(const struct report *r, struct emit *e)
{
	static const struct emit_column columns[] = { { "size" }, { "count" }, { "stack" } };
	static const struct emit_table table = {
		EMIT_TABLE("rows", columns),
		.sentence = "{size} in {count} block{count:s}\n",
	};

	emit_table(e, &table);
	for (size_t i = 0; i < shown; i++)
		describe_row(r, e, &folds.items[i]);
	emit_end(e);
}

static void say_rest(struct emit *e)
{
	uint64_t bytes = 0, count = 0, stacks = 0;

	for (size_t i = shown; i < folds.count; i++) {
		bytes += folds.items[i].bytes;
		count += folds.items[i].count;
		stacks += folds.items[i].stacks;
	}
	emit_aside(e, "more", emit_count(stacks));
	emit_aside(e, "more_bytes", emit_size(bytes));
	emit_aside(e, "more_count", emit_count(count));
	if (stacks)
		emit_say(e, "{more} more stack{more:s}: {more_bytes} in {more_count} block{more_count:s}; -n 0 shows all\n");
}

static void describe_suppressions(struct emit *e)
{
	static const struct emit_column columns[] = {
		{ "pattern" },
		{ "builtin" },
		{ "count" },
		{ "size" },
		{ "used", EMIT_FOR_PEOPLE, "", 10 },
		{ "bytes", EMIT_FOR_PEOPLE, "", 10 },
		{ "what", EMIT_FOR_PEOPLE, "", -1, "  " },
	};
	static const struct emit_table for_people = { EMIT_TABLE("suppressions", columns), .no_headings = true },
				       for_programs = { EMIT_TABLE("suppressions", columns), .sentence = "" };

	if (print_suppressions)
		emit_say(e, "Suppressions used:\n");
	emit_table(e, print_suppressions ? &for_people : &for_programs);
	for (size_t i = 0; i < found.suppressions.count; i++) {
		const struct suppression *s = &found.suppressions.items[i];
		const bool builtin = i < found.suppressions.builtin_count;

		if (!s->count)
			continue;

		const struct emit_value values[] = {
			emit_words(s->pattern),
			emit_flag(builtin),
			emit_count(s->count),
			emit_size(s->bytes),
			emit_number(s->count),
			emit_size(s->bytes),
			emit_words(s->pattern),
		};

		emit_row(e, values);
	}
	emit_end(e);
	if (print_suppressions)
		emit_say(e, "\n");
}

static void describe_totals(const struct report *r, struct emit *e)
{
	const uint64_t every = r->view.sample_bytes;
	const struct sampled_margin m = sampled_margin(every, &found.error);

	emit_figure(e, "capture", emit_words(r->capture->path));
	emit_figure(e, "total_count", emit_about(emit_count(found.count), every, m.count));
	emit_figure(e, "total_bytes", emit_about(emit_size(found.bytes), every, m.bytes));
	sampled_figure(e, every);
	emit_margins(e);
	reserved_figures(e, &r->view.totals);
	emit_figure(e, "suppressed_count", emit_count(found.suppressed_count));
	emit_figure(e, "suppressed_bytes", emit_size(found.suppressed_bytes));
	if (!lost.at_mark) {
		emit_figure(e, "not_freed_count", emit_count(found.count + found.suppressed_count));
		emit_figure(e, "not_freed_bytes", emit_size(found.bytes + found.suppressed_bytes));
	}
	domains_figures(&r->domains, e);
	emit_figure(e, "row_count", emit_count(found.row_count));
	if (r->asked.spanned || lost.at_mark)
		selection_figures(e, "point", &r->asked, &r->view);
	if (!lost.at_mark)
		endings_figures(e, &found.endings);
}

/* Of several processes that ended in different ways. */
static void say_endings(struct emit *e)
{
	char *const sentence = endings_sentence(&found.endings);

	emit_aside(e, "of_which", emit_optional(sentence));
	emit_say(e, "[Of which: {of_which:prose}\n]");
	free(sentence);
}

static void say_totals(const struct report *r, struct emit *e)
{
	const enum ending only = endings_only(&found.endings);
	char words[ENDING_WORDS_ROOM] = "not freed", part[700], mark[700];

	if (lost.at_mark)
		strcpy(words, "live");
	else if (only != ENDINGS)
		ending_words(&found.endings, only, words);
	words[0] = (char)toupper((unsigned char)words[0]);
	emit_aside(e, "how", emit_words(words));
	emit_aside(e, "part", r->asked.spanned ? emit_words(selection_point(&r->asked.at, part, sizeof(part))) : emit_absent());
	emit_aside(e, "in", emit_words(r->asked.at.is_range ? "in" : "until"));
	emit_aside(e, "mark", lost.at_mark ? emit_words(selection_point(&r->asked.at, mark, sizeof(mark))) : emit_absent());
	emit_say(e, "{how}: {total_bytes} in {total_count} block{total_count:s} from {row_count} stack{row_count:s}[, allocated {in} {part}][ at {mark}]\n");
	if (only == ENDINGS && !lost.at_mark)
		say_endings(e);
	if (found.suppressed_count)
		emit_say(e, "Suppressed: {suppressed_bytes} in {suppressed_count} block{suppressed_count:s}\n");
	domains_say(&r->domains, e, "Domain ", "block");
	if (found.suppressed_count && !lost.at_mark) /* what tracker run, stats and --leaks of other reports say */
		emit_say(e, "Not freed: {not_freed_bytes} in {not_freed_count} block{not_freed_count:s}\n");
	reserved_say(e, r->view.totals.most_reserved_bytes, r->view.totals.most_reserved_mappings, "\n");
}

static int describe(struct report *r, struct emit *e)
{
	describe_totals(r, e);
	sampled_say(e, &r->view, &r->asked);
	say_totals(r, e);
	if (lost.any) {
		lost_say_totals(&lost, e);
		lost_say_way(&lost, e);
		lost_say_early(&lost, e);
	} else {
		lost_say_refusal(&lost, r, &found.endings, e);
	}
	if (shown || print_suppressions)
		emit_say(e, "\n");
	if (lost.any)
		lost_describe_rows(&lost, r, e, &lost_shown);
	else
		describe_rows(r, e);
	describe_suppressions(e);
	if (!lost.any)
		say_rest(e);
	report_figures(e, r);
	return 0;
}

/* ---- the whole ---- */

static int read_suppressions(struct report *r)
{
	const int err = suppressions_init(&found.suppressions, !no_builtin);

	(void)r;
	if (!err)
		return suppressions_read_files(&found.suppressions, &files, suppress_leaks, "leak:PATTERN");
	ui_error("out of memory");
	return UI_CANNOT;
}

static void check(struct report *r)
{
	(void)r;
	traceback_check_sources(report_form(&common), &traceback);
}

static void ask(struct report *r)
{
	read_error = r->capture->look_count ? lost_read(&lost, r) : 0;
	r->asked = (struct view_options){ .what = VIEW_LEAKS, .process = r->process, .at = r->at, .spanned = !selection_is_whole(r), .blocks = lost.looks.count };
	if (lost.at_mark) { /* the live set of that moment, not what was left of it at the end */
		r->asked.what = VIEW_LIVE;
		r->asked.spanned = false;
	}
	r->nameless = true; /* only what is left is looked at */
}

static int gate(const struct report *r)
{
	char *counted;

	(void)r;
	if (!fail_on_leak || !(lost.any ? lost.sections[LOOK_DEFINITELY].all.count + lost.sections[LOOK_INDIRECTLY].all.count : found.count))
		return UI_OK;
	counted = common.quiet ? NULL : endings_sentence(&found.endings);
	if (counted)
		ui_error("--fail-on-leak counted: %s", counted);
	free(counted);
	return UI_GATE;
}

static void finish(void)
{
	lost_finish(&lost);
	short_paths_finish(&paths);
	alike_finish(&folds);
	leaked_finish(&found);
}

int main(int argc, char **argv)
{
	static const struct report_kind kind = {
		.command = &command,
		.schema = "tracker.leaks",
		.table = "rows",
		.common = &common,
		.filtering = &filtering,
		.check = check,
		.prepare = read_suppressions,
		.ask = ask,
		.find = find,
		.describe = describe,
		.gate = gate,
		.finish = finish,
	};

	return report_main(&kind, argc, argv);
}
