/*
 * tracker-types - prints what the live blocks at one point hold: bytes and blocks by type, and what says that it is that type.
 */
#include <stdlib.h>
#include <string.h>

#include "classes/class_reports.h"
#include "common/block_types.h"
#include "common/narrow.h"
#include "common/ranking.h"
#include "common/report.h"
#include "common/selection.h"
#include "types/row_types.h"

#define ROWS 20 /* that people see */

static struct report_options common;
static struct selection_options selection = SELECTION_INIT;
static struct filter_options filtering;
static const char *limit_text; /* of stats, it may be a share */
static uint64_t limit = REPORT_LIMIT_UNSET;
static bool only_typed;
static struct classes_options tracked = CLASSES_OPTIONS_INIT;

static const struct ui_option options[] = {
	{ 'n', "limit", UI_STRING, &limit_text, "N", "rows to print (default 20, in JSON and CSV all; 0: all); objects of stats (default all), or a share of them: 0.5", 0, 0 },
	{ 0, "no-sites", UI_FLAG, &only_typed, NULL, "leave out blocks of which nothing says the type", 0, 0 },
	CLASSES_OPTIONS(tracked),
	SELECTION_OPTIONS(selection),
	FILTER_OPTIONS(filtering),
	REPORT_THREAD_OPTION(common),
	REPORT_STACK_OPTIONS(common),
	REPORT_CSV_OPTION(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-types",
	.usage = "[summary|stats|history|list|html] [options] CAPTURE[@POINT]",
	.summary = "Prints the live blocks at one point by the types of what they hold, or the objects of classes that programs track.",
	.details = "Programs say the type (tracker_annotate), or the allocating frames do:\n"
		   "std::allocator<T>::allocate, std::make_shared<T>, T::operator new, Rust's Box<T>. If the memory was looked at\n"
		   "(tracker run --leak-check), pointers to virtual tables say it, too. Blocks of which nothing says it\n"
		   "are shown by the place that allocated them.\n"
		   "With a word in front, it shows the classes that the program, or tracker run --track-class, tracks: summary (at each snapshot),\n"
		   "stats (objects one by one), history (how many there were when), list (their names), html (a page with charts).\n" REPORT_POINTS "\n"
		   "Examples:\n"
		   "  tracker types app.bin\n"
		   "  tracker types --no-sites app.bin@loaded..end\n"
		   "  tracker types summary app.bin\n"
		   "  tracker types stats --class Node --sort size -n 10 app.bin\n"
		   "  tracker types html -o app.html app.bin\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

static struct ranking types; /* keys: a digit for the rule, then the text */
static struct row_types of_rows;
static uint64_t bytes_by_rule[TYPE_RULES], count_by_rule[TYPE_RULES];

static enum type_rule rule_of(const struct ranked *t)
{
	return (enum type_rule)(t->key[0] - '0');
}

static void check(struct report *r)
{
	char *end;

	(void)r;
	ui_needs("--class", tracked.class != NULL, "stats or history", false);
	ui_needs("--sort", tracked.sort != NULL, "stats", false);
	ui_needs("--reverse", tracked.reverse, "stats", false);
	ui_needs("--pct-of", tracked.share_of != NULL, "summary or html", false);
	ui_needs("--min-share", tracked.min_share != UINT64_MAX, "html", false);
	if (!limit_text)
		return;
	limit = strtoull(limit_text, &end, 10);
	if (*end || end == limit_text || *limit_text == '-')
		ui_usage_error("argument --limit: %s is an invalid non-negative int value", limit_text);
}

static void ask(struct report *r)
{
	r->asked.rows_only = true;
	row_types_ask(r);
}

static int add(void *data, enum type_rule rule, const char *type, uint64_t bytes, uint64_t count)
{
	char key[TYPE_ROOM + 1];

	(void)data;
	bytes_by_rule[rule] += bytes;
	count_by_rule[rule] += count;
	if (only_typed && rule == TYPE_BY_SITE)
		return 0;
	snprintf(key, sizeof(key), "%c%s", (char)('0' + rule), type);
	return ranking_add(&types, key, bytes, count);
}

static int find(struct report *r)
{
	int err;

	narrow_to_filters(r);
	err = row_types_find(&of_rows, r);
	for (size_t i = 0; i < r->view.row_count && !err; i++)
		err = row_types_each(&of_rows, &r->view.rows[i], add, NULL);
	ranking_sort_by_bytes(&types);
	return err;
}

/* ---- what is said of it ---- */

static void describe_rows(struct emit *e, size_t shown)
{
	static const struct emit_column columns[] = {
		{ "type" },
		{ "rule" },
		{ "size" },
		{ "count" },
		{ "bytes", EMIT_FOR_PEOPLE, "size", 10 },
		{ "blocks", EMIT_FOR_PEOPLE, "blocks", 10, " " },
		{ "by", EMIT_FOR_PEOPLE, "by", 10, "  " },
		{ "name", EMIT_FOR_PEOPLE, "type", -1, " " },
	};
	static const struct emit_table table = { EMIT_TABLE("rows", columns) };
	struct emit_column shown_columns[sizeof(columns) / sizeof(*columns)];
	struct emit_table aligned = table;

	memcpy(shown_columns, columns, sizeof(columns));
	for (size_t i = 0; i < 4; i++)
		shown_columns[i].audience = EMIT_FOR_PROGRAMS;
	aligned.columns = shown_columns;
	emit_table(e, &aligned);
	for (size_t i = 0; i < shown; i++) {
		const struct ranked *const t = &types.items[i];
		const char *const rule = type_rules[rule_of(t)];

		emit_row(e, (struct emit_value[]){ emit_words(t->key + 1), emit_words(rule), emit_size(t->bytes), emit_count(t->count), emit_size(t->bytes),
						   emit_count(t->count), emit_words(rule), emit_words(t->key + 1) });
	}
	emit_end(e);
}

static void say_rest(struct emit *e, size_t shown)
{
	uint64_t bytes = 0, count = 0;

	for (size_t i = shown; i < types.count; i++) {
		bytes += types.items[i].bytes;
		count += types.items[i].count;
	}
	emit_aside(e, "more", emit_count(types.count - shown));
	emit_aside(e, "more_count", emit_count(count));
	emit_aside(e, "more_bytes", emit_size(bytes));
	if (shown < types.count)
		emit_say(e, "{more} more: {more_bytes} in {more_count} block{more_count:s}; -n 0 shows all\n");
}

static int describe(struct report *r, struct emit *e)
{
	const struct view *const v = &r->view;
	const struct sampled_margin m = sampled_view_margin(v, &r->asked);
	const size_t shown = report_rows(&common, limit, ROWS, types.count);
	uint64_t typed_bytes = 0, typed_count = 0;

	for (unsigned i = 0; i < TYPE_BY_SITE; i++) {
		typed_bytes += bytes_by_rule[i];
		typed_count += count_by_rule[i];
	}
	emit_figure(e, "capture", emit_words(r->capture->path));
	report_figures(e, r);
	selection_figures(e, "point", &r->asked, v);
	emit_figure(e, "total_size", emit_about(emit_size(v->bytes), v->sample_bytes, m.bytes));
	emit_figure(e, "total_count", emit_about(emit_count(v->count), v->sample_bytes, m.count));
	sampled_figure(e, v->sample_bytes);
	domains_figures(&r->domains, e);
	emit_figure(e, "typed_size", emit_size(typed_bytes));
	emit_figure(e, "typed_count", emit_count(typed_count));
	emit_figure(e, "row_count", emit_count(types.count));
	sampled_say(e, v, &r->asked);
	emit_say(e, "{total_size} in {total_count} block{total_count:s} at {point.name}, {typed_size} in {typed_count} of known types\n");
	domains_say(&r->domains, e, "Domain ", "block");
	describe_rows(e, shown);
	say_rest(e, shown);
	return 0;
}

static void finish(void)
{
	ranking_finish(&types);
	row_types_finish(&of_rows);
}

int main(int argc, char **argv)
{
	static const struct report_kind kind = {
		.command = &command,
		.schema = "tracker.types",
		.table = "rows",
		.common = &common,
		.selection = &selection,
		.filtering = &filtering,
		.check = check,
		.ask = ask,
		.find = find,
		.describe = describe,
		.finish = finish,
	};

	if (argc > 2 && classes_is_word(argv[1])) {
		const char *const word = argv[1];

		tracked.limit = &limit_text;
		tracked.no_sites = &only_typed;
		argv[1] = argv[0];
		return classes_main(word, &tracked, &kind, argc - 1, argv + 1);
	}
	return report_main(&kind, argc, argv);
}
