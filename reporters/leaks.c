/*
 * tracker-leaks - prints the blocks that were live when their process ended, by stack.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/selection.h"
#include "common/leaked.h"
#include "common/report.h"
#include "common/reserved.h"
#include "common/traceback.h"

static struct report_options common;
static uint64_t limit;
static struct ui_list files;
static bool no_builtin, print_suppressions, fail_on_leak;

static const struct ui_option options[] = {
	{ 'n', "limit", UI_UINT, &limit, "N", "stacks to print (default 0: all)", 0, 0 },
	{ 0, "suppressions", UI_LIST, &files, "FILE", "leave out what this LeakSanitizer file names", 0,
	  0 },
	{ 0, "no-builtin-suppressions", UI_FLAG, &no_builtin, NULL,
	  "also show what the C and C++ runtimes keep", 0, 0 },
	{ 0, "print-suppressions", UI_FLAG, &print_suppressions, NULL,
	  "print how much each suppression left out", 0, 0 },
	{ 0, "fail-on-leak", UI_FLAG, &fail_on_leak, NULL, "exit 3 when there is a leak", 0, 0 },
	REPORT_STACK_OPTIONS(common),
	REPORT_QUIET_OPTION(common),
	REPORT_CSV_OPTION(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-leaks",
	.usage = "[options] CAPTURE",
	.summary = "Prints what was never freed, by stack, with the biggest first.",
	.details = "A block leaks when it is still allocated when its process exits.\n"
		   "Of a process that a signal ended, and of one that recording left while it ran (tracker run\n"
		   "--duration), the blocks that were live then are shown, and not called leaked.\n"
		   "The exit status is 3 with --fail-on-leak when something leaked.\n\n"
		   "Examples:\n"
		   "  tracker leaks app.bin\n"
		   "  tracker leaks --suppressions lsan.supp --fail-on-leak app.bin\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

static struct leaks found;

static int find(struct report *r)
{
	return leaked_find(&found, r);
}

/* ---- what is said of it ---- */

/* The frames to show: without the allocator's own, unless nothing else is there. */
static const struct source_frame *frames_of(struct stacks *stacks, uint32_t node, size_t *ret_count)
{
	size_t n, skip = 0;
	const struct source_frame *frames = stacks_frames(stacks, node, &n);

	while (skip + 1 < n && frames[skip].skipped)
		skip++;
	*ret_count = n - skip;
	return frames + skip;
}

static void describe_rows(const struct report *r, struct emit *e)
{
	static const struct emit_column columns[] = { { "size" }, { "count" }, { "stack" } };
	static const struct emit_table table = {
		EMIT_TABLE("rows", columns),
		.sentence = "{size} in {count} block{count:s}\n",
	};
	const uint64_t every = r->view.sample_bytes;

	emit_table(e, &table);
	for (size_t i = 0; i < found.row_count && (!limit || i < limit); i++) {
		const struct leak *const l = &found.rows[i];
		const struct sampled_margin m = sampled_margin(every, &l->error);
		size_t n;
		const struct source_frame *const frames = frames_of(r->stacks, l->node, &n);
		char *const folded = traceback_folded(e, frames, n);

		emit_row_begin(e, (struct emit_value[]){ emit_about(emit_size(l->bytes), every, m.bytes),
							 emit_about(emit_count(l->count), every, m.count), emit_optional(folded) });
		traceback_emit_calls(e, "stack", frames, n);
		emit_say(e, "\n");
		emit_end(e);
		free(folded);
	}
	emit_end(e);
	emit_aside(e, "more", emit_number(limit && limit < found.row_count ? found.row_count - limit : 0));
	if (limit && limit < found.row_count)
		emit_say(e, "{more} more stack{more:s}; -n 0 shows all\n\n");
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
	emit_figure(e, "not_freed_count", emit_count(found.count + found.suppressed_count));
	emit_figure(e, "not_freed_bytes", emit_size(found.bytes + found.suppressed_bytes));
	domains_figures(&r->domains, e);
	emit_figure(e, "row_count", emit_count(found.row_count));
	endings_figures(e, &found.endings);
}

/* Of several processes that ended in different ways. */
static void say_endings(struct emit *e)
{
	char *const sentence = endings_sentence(&found.endings);

	emit_aside(e, "of_which", emit_optional(sentence));
	emit_say(e, "[Of which: {of_which}\n]");
	free(sentence);
}

static void say_totals(const struct report *r, struct emit *e)
{
	const enum ending only = endings_only(&found.endings);
	char words[ENDING_WORDS_ROOM] = "not freed";

	if (only != ENDINGS)
		ending_words(&found.endings, only, words);
	words[0] = (char)toupper((unsigned char)words[0]);
	emit_aside(e, "how", emit_words(words));
	emit_say(e, "{how}: {total_bytes} in {total_count} block{total_count:s} from {row_count} stack{row_count:s}\n");
	if (only == ENDINGS)
		say_endings(e);
	if (found.suppressed_count)
		emit_say(e, "Suppressed: {suppressed_bytes} in {suppressed_count} block{suppressed_count:s}\n");
	domains_say(&r->domains, e, "Domain ", "block");
	if (found.suppressed_count) /* what tracker run, stats and --leaks of other reports say */
		emit_say(e, "Not freed: {not_freed_bytes} in {not_freed_count} block{not_freed_count:s}\n");
	reserved_say(e, r->view.totals.most_reserved_bytes, r->view.totals.most_reserved_mappings, "\n");
}

static int describe(struct report *r, struct emit *e)
{
	describe_totals(r, e);
	sampled_say(e, &r->view, &r->asked);
	describe_rows(r, e);
	describe_suppressions(e);
	say_totals(r, e);
	report_figures(e, r);
	return 0;
}

/* ---- the whole ---- */

static int read_suppressions(struct report *r)
{
	int err = suppressions_init(&found.suppressions, !no_builtin);

	(void)r;
	for (size_t i = 0; i < files.count && !err; i++) {
		unsigned line;

		err = suppressions_read(&found.suppressions, files.items[i], &line);
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

static void ask(struct report *r)
{
	if (!selection_is_whole(r))
		ui_usage_error("a point (CAPTURE@POINT) is not allowed: leaks are the blocks that are live at the end; tracker table %s shows the blocks that are live at that point", r->operand);
	r->asked = (struct view_options){ .what = VIEW_LEAKS, .process = r->process };
	r->nameless = true; /* only what is left is looked at */
}

static int gate(const struct report *r)
{
	char *counted;

	(void)r;
	if (!fail_on_leak || !found.count)
		return UI_OK;
	counted = common.quiet ? NULL : endings_sentence(&found.endings);
	if (counted)
		ui_error("--fail-on-leak counted: %s", counted);
	free(counted);
	return UI_GATE;
}

static void finish(void)
{
	leaked_finish(&found);
}

int main(int argc, char **argv)
{
	static const struct report_kind kind = {
		.command = &command,
		.schema = "tracker.leaks",
		.table = "rows",
		.common = &common,
		.prepare = read_suppressions,
		.ask = ask,
		.find = find,
		.describe = describe,
		.gate = gate,
		.finish = finish,
	};

	return report_main(&kind, argc, argv);
}
