/*
 * tracker-lint - prints what the recorded programs did wrong with the allocator: what goes well by luck, and what does not.
 */
#include <stdlib.h>
#include <string.h>

#include "common/group.h"
#include "common/report.h"
#include "common/selection.h"
#include "common/traceback.h"
#include "lint/join.h"
#include "lint/lint_sarif.h"

#define ROWS 10 /* that people see */
#define DEPTH 8 /* frames of a stack that they see */

static struct report_options common;
static struct filter_options filtering;
static struct traceback_options traceback;
static struct short_paths paths;
static struct ui_list rules, files;
static struct suppressions suppressions;
static uint64_t limit = REPORT_LIMIT_UNSET, depth = DEPTH;
static const char *least;
static bool fails, sarif;

static const struct ui_option options[] = {
	REPORT_LIMIT_OPTION(limit, 10),
	{ 0, "depth", UI_UINT, &depth, "N", "frames to print of a stack (default 8; 0: all)", 0, UINT32_MAX - 1 },
	{ 0, "rule", UI_LIST, &rules, "RULE", "only what this rule finds: signal-handler, for example", 0, 0, NULL, lint_names },
	{ 0, "level", UI_STRING, &least, "note|warning|error", "only what is so grave, or graver (default: note, which is all)", 0, 0, lint_levels },
	{ 0, "suppressions", UI_LIST, &files, "FILE", "leave out what this file names: lines RULE:PATTERN, blocks of valgrind", 0, 0 },
	{ 0, "fail", UI_FLAG, &fails, NULL, "exit 3 when something is found", 0, 0 },
	{ 0, "sarif", UI_FLAG, &sarif, NULL, "SARIF 2.1.0, for code hosts and editors", 0, 0 },
	TRACEBACK_SOURCES_OPTION(traceback),
	SHORT_PATHS_OPTION(paths),
	FILTER_OPTIONS(filtering),
	REPORT_STACK_OPTIONS(common),
	REPORT_QUIET_OPTION(common),
	REPORT_CSV_OPTION(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-lint",
	.usage = "[options] CAPTURE",
	.summary = "Prints what programs did wrong with the allocator.",
	.details = "Errors: blocks released twice, by a function that does not fit, or that are none.\n"
		   "Warnings: allocations in signal handlers, and between fork and exec in a child of a\n"
		   "process with several threads. Notes: allocations of no bytes, reallocs that change no size.\n"
		   "The exit status is 3 with --fail when something is found.\n\n"
		   "Examples:\n"
		   "  tracker lint app.bin\n"
		   "  tracker lint --fail --level error app.bin\n"
		   "  tracker lint --sarif -o lint.sarif app.bin\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

static struct lint found;
static size_t shown;
static uint32_t frames_shown; /* of a stack */

/* ---- what is found ---- */

static enum lint_level level_of(const char *name)
{
	enum lint_level l = LINT_NOTE;

	while (name && strcmp(name, lint_levels[l]) != 0)
		l++;
	return l;
}

static void check(struct report *r)
{
	(void)r;
	ui_exclude("--sarif", sarif, "--json", common.json);
	ui_exclude("--sarif", sarif, "--csv", common.csv);
	ui_exclude("--sarif", sarif, "--quiet", common.quiet);
	for (size_t i = 0; i < rules.count; i++) {
		size_t n = 0;

		while (n < LINT_RULES && strcmp(rules.items[i], lint_names[n]) != 0)
			n++;
		if (n == LINT_RULES) {
			char meant[UI_MEANT_ROOM];

			ui_usage_error("argument --rule: no rule is named '%s'%s", rules.items[i], ui_meant(rules.items[i], lint_names, "", meant));
		}
	}
	traceback_check_sources(sarif ? "--sarif" : report_form(&common), &traceback);
}

static void ask(struct report *r)
{
	if (!selection_is_whole(r))
		ui_usage_error("a point (CAPTURE@POINT) is not allowed: a whole capture is looked through");
}

/* Lines that people see of a finding. */
static uint32_t lines_of(const struct report *r, const struct lint_finding *f)
{
	uint32_t lines = 3;

	for (unsigned i = 0; i < LINT_STACKS; i++) {
		size_t n;

		if (!f->nodes[i])
			continue;
		(void)group_frames(r->stacks, f->nodes[i], &n);
		lines += 2 + (n > frames_shown ? frames_shown + 1 : (uint32_t)n);
	}
	return lines;
}

/* As many findings as fit on a page, unless the user has said how many. */
static void bound(const struct report *r)
{
	const bool bounded = limit == REPORT_LIMIT_UNSET && !report_form(&common) && !sarif;
	uint32_t lines = 4;
	size_t i = 0;

	shown = report_rows(&common, limit, ROWS, found.count);
	for (; bounded && i < shown; i++) {
		lines += lines_of(r, &found.items[i]);
		if (i && lines > REPORT_LINES)
			shown = i;
	}
}

static int find_paths(const struct report *r)
{
	int err = 0;

	for (size_t i = 0; i < shown * LINT_STACKS && !err; i++) {
		const uint32_t node = found.items[i / LINT_STACKS].nodes[i % LINT_STACKS];
		size_t n;
		const struct source_frame *const frames = group_frames(r->stacks, node, &n);

		for (size_t k = 0; node && k < n && k < frames_shown && !err; k++)
			err = short_paths_add(&paths, frames[k].has_source ? frames[k].file : frames[k].module);
	}
	short_paths_settle(&paths);
	return err;
}

static int find(struct report *r)
{
	int status;

	if (capture_is_aggregated(r->capture)) {
		ui_error("%s is aggregated: it has sums in place of the calls that would be looked at; record without --aggregate", r->capture->path);
		return UI_CANNOT;
	}
	status = lint_find(&found, r);
	if (status)
		return status;
	frames_shown = report_form(&common) || sarif || !depth ? UINT32_MAX : (uint32_t)depth;
	if (lint_join(&found, r, level_of(least), &rules, &suppressions, frames_shown) < 0)
		return TRK_ERR_NOMEM;
	bound(r);
	return find_paths(r);
}

/* ---- what is said of it ---- */

static void describe_stack(const struct report *r, struct emit *e, const char *key, const char *heading, uint32_t node)
{
	struct traceback_calls calls = {
		.depth = frames_shown,
		.sources = traceback.sources,
		.paths = &paths,
		.not_after = (int64_t)(r->capture->header.start_unix_ns / 1000000000),
	};
	static const struct source_frame none;
	size_t n;
	const struct source_frame *frames;

	if (!node) {
		if (!emit_people(e))
			traceback_emit_calls(e, key, &none, 0, &calls);
		return;
	}
	frames = group_frames(r->stacks, node, &n);
	calls.least_frames = calls.most_frames = (uint32_t)(n - frames[n - 1].cut);
	emit_aside(e, "heading", emit_words(heading));
	emit_say(e, "  {heading:raw}:\n");
	traceback_emit_calls(e, key, frames, n, &calls);
}

enum column {
	RULE,
	LEVEL,
	TEXT,
	COUNT,
	SIZE,
	CALLED,
	ALLOCATED_BY,
	RELEASED_BY,
	FUNCTION,
	FILE_NAME,
	LINE,
	ADVICE,
	FOLDED,
	WHERE,
	BYTES,
	COLUMNS,
};

static const struct emit_column columns[COLUMNS] = {
	[RULE] = { "rule" },
	[LEVEL] = { "level" },
	[TEXT] = { "text" },
	[COUNT] = { "count" },
	[SIZE] = { "size" },
	[CALLED] = { "called" },
	[ALLOCATED_BY] = { "allocated_by" },
	[RELEASED_BY] = { "released_by" },
	[FUNCTION] = { "function" },
	[FILE_NAME] = { "file" },
	[LINE] = { "line" },
	[ADVICE] = { "advice" },
	[FOLDED] = { "stack" },
	[WHERE] = { "process", EMIT_FOR_PEOPLE },
	[BYTES] = { "bytes", EMIT_FOR_PEOPLE },
};

static const struct emit_table table = {
	EMIT_TABLE("rows", columns),
	.sentence = "\n{level:raw}: {text:prose}: {count} time{count:s}[, {bytes}][, in {process}]\n  {advice:prose}\n",
};

static struct emit_value function_of(uint8_t kind)
{
	return kind ? emit_words(lint_function(kind)) : emit_null();
}

static void describe_row(const struct report *r, struct emit *e, const struct lint_finding *f)
{
	static const char *const keys[LINT_STACKS] = { "stack", "allocated", "released" };
	static const char *const headings[LINT_STACKS] = { "called", "allocated", "released" };
	const struct capture *const c = r->capture;
	const bool known = lint_place(f) != 0;
	char text[LINT_TEXT_ROOM], *folded;
	size_t n;
	const struct source_frame *const frames = group_frames(r->stacks, lint_place(f), &n);

	folded = known ? traceback_folded(e, frames, n) : NULL;
	emit_row_begin(e, (struct emit_value[COLUMNS]){
				  [RULE] = emit_words(lint_names[f->rule]),
				  [LEVEL] = emit_words(lint_levels[lint_rules[f->rule].level]),
				  [TEXT] = emit_words(lint_text(f, text)),
				  [COUNT] = emit_count(f->count),
				  [SIZE] = emit_size(f->bytes),
				  [CALLED] = function_of(f->called),
				  [ALLOCATED_BY] = function_of(f->allocated_by),
				  [RELEASED_BY] = function_of(f->released_by),
				  [FUNCTION] = known ? emit_words(frames->function) : emit_null(),
				  [FILE_NAME] = known ? emit_words(frames->file) : emit_null(),
				  [LINE] = known ? emit_number(frames->line) : emit_null(),
				  [ADVICE] = emit_words(lint_advice(f)),
				  [FOLDED] = emit_optional(folded),
				  [WHERE] = c->process_count > 1 ? emit_words(c->processes[f->process].name) : emit_absent(),
				  [BYTES] = f->bytes ? emit_size(f->bytes) : emit_absent(),
			  });
	for (unsigned i = 0; i < LINT_STACKS; i++)
		describe_stack(r, e, keys[i], headings[i], f->nodes[i]);
	emit_end(e);
	free(folded);
}

static void describe_levels(struct emit *e)
{
	static const char *const keys[LINT_LEVELS] = { "notes", "warnings", "errors" };
	uint64_t calls[LINT_LEVELS] = { 0 };

	for (size_t i = 0; i < found.count; i++)
		calls[lint_rules[found.items[i].rule].level] += found.items[i].count;
	for (unsigned i = LINT_LEVELS; i-- > 0;)
		emit_figure(e, keys[i], emit_count(calls[i]));
	emit_figure(e, "total_count", emit_count(calls[LINT_NOTE] + calls[LINT_WARNING] + calls[LINT_ERROR]));
	emit_figure(e, "row_count", emit_count(found.count));
	emit_figure(e, "calls", emit_count(found.calls));
}

static void say_rest(struct emit *e)
{
	uint64_t calls = 0;

	for (size_t i = shown; i < found.count; i++)
		calls += found.items[i].count;
	emit_aside(e, "more", emit_count(found.count - shown));
	emit_aside(e, "more_calls", emit_count(calls));
	if (shown < found.count)
		emit_say(e, "{more} more finding{more:s} in {more_calls} call{more_calls:s}; -n 0 shows all\n");
}

static int describe(struct report *r, struct emit *e)
{
	const uint64_t every = r->capture->header.sample_bytes;

	emit_figure(e, "capture", emit_words(r->capture->path));
	report_figures(e, r);
	sampled_figure(e, every);
	describe_levels(e);
	emit_figure(e, "suppressed_count", emit_count(found.suppressed));
	emit_figure(e, "inherited_releases", emit_count(found.inherited));
	emit_figure(e, "unjudged_releases", emit_count(found.unjudged));
	if (every) {
		emit_aside(e, "every", emit_size(every));
		emit_say(e, "sampled every {every}: only calls that were recorded are looked at, and no release of an unknown block\n");
	}
	emit_say(e, found.count ? "{errors} error{errors:s}, {warnings} warning{warnings:s}, {notes} note{notes:s}: {row_count} finding{row_count:s} in {total_count} call{total_count:s}\n" :
				  "Nothing wrong is found in the {calls} call{calls:s} that were looked at\n");
	if (found.suppressed)
		emit_say(e, "Suppressed: {suppressed_count} call{suppressed_count:s}\n");
	emit_table(e, &table);
	for (size_t i = 0; i < shown; i++)
		describe_row(r, e, &found.items[i]);
	emit_end(e);
	if (found.count > shown)
		emit_say(e, "\n");
	say_rest(e);
	if (found.unjudged)
		emit_say(e, "{unjudged_releases} release{unjudged_releases:s} of unknown blocks came after lost events, and are not judged\n");
	return 0;
}

static int write_sarif(struct report *r, FILE *f)
{
	return lint_write_sarif(&found, r, f);
}

static int gate(const struct report *r)
{
	(void)r;
	if (!fails || !found.count)
		return UI_OK;
	if (!common.quiet)
		ui_error("--fail: %zu finding%s", found.count, found.count == 1 ? "" : "s");
	return UI_GATE;
}

static int read_suppressions(struct report *r)
{
	(void)r;
	return suppressions_read_files(&suppressions, &files, lint_suppressed, "RULE:PATTERN");
}

static void finish(void)
{
	suppressions_finish(&suppressions);
	lint_finish(&found);
	short_paths_finish(&paths);
}

int main(int argc, char **argv)
{
	static const struct report_kind kind = {
		.command = &command,
		.schema = "tracker.lint",
		.table = "rows",
		.common = &common,
		.filtering = &filtering,
		.reads_itself = true,
		.wants_other_form = &sarif,
		.write_other_form = write_sarif,
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
