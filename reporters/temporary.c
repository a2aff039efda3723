/*
 * tracker-temporary - prints where blocks were allocated that were freed soon afterwards, so that one can avoid or
 * keep them.
 */
#include <stdlib.h>
#include <string.h>

#include "common/selection.h"
#include "common/narrow.h"
#include "common/report.h"
#include "common/short_paths.h"
#include "common/ranking.h"

static struct report_options common;
#define ROWS 20 /* that people see */

static uint64_t threshold = UINT64_MAX, limit = REPORT_LIMIT_UNSET; /* threshold: UINT64_MAX when it is not given */
static struct filter_options filtering;
static struct short_paths paths;

static const struct ui_option options[] = {
	{ 'n', "threshold", UI_UINT, &threshold, "N",
	  "at most N other allocations of the thread before the free (default 1; in an aggregated "
	  "capture the number with which it was recorded)",
	  0,
	  UINT32_MAX - 1 },
	{ 'l', "limit", UI_UINT, &limit, "N", "rows to print (default 20, in JSON and CSV all; 0: all)", 0, 0 },
	SHORT_PATHS_OPTION(paths),
	FILTER_OPTIONS(filtering),
	REPORT_THREAD_OPTION(common),
	REPORT_STACK_OPTIONS(common),
	REPORT_CSV_OPTION(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-temporary",
	.usage = "[options] CAPTURE[@POINT]",
	.summary = "Prints where the blocks were allocated that were freed soon afterwards.",
	.details = "A block is temporary when the thread that allocated it frees it after at most N\n"
		   "other allocations of that thread. With a point, the blocks that were freed before\n"
		   "it count; with a range (CAPTURE@A..B), those that were allocated and freed in it.\n" REPORT_POINTS "\n"
		   "Examples:\n"
		   "  tracker temporary app.bin\n"
		   "  tracker temporary -n 0 --json app.bin\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

static struct ranking rows;
static size_t shown;

static void ask(struct report *r)
{
	if (threshold == UINT64_MAX)
		threshold = selection_threshold(r);
	r->asked = (struct view_options){
		.what = VIEW_TEMPORARY,
		.threshold = (uint32_t)threshold,
		.process = r->process,
		.at = r->at,
		.spanned = !selection_is_whole(r),
	};
}

static const char *file_of(const struct report *r, const struct ranked *row)
{
	return row->node ? stacks_top(r->stacks, row->node)->file : "";
}

static int find(struct report *r)
{
	int err;

	narrow_to_filters(r);
	err = ranking_of_view(&r->view, r->stacks, &rows, NULL);
	ranking_sort_by_bytes(&rows);
	shown = report_rows(&common, limit, ROWS, rows.count);
	for (size_t i = 0; i < shown && !err; i++)
		err = short_paths_add(&paths, file_of(r, &rows.items[i]));
	short_paths_settle(&paths);
	return err;
}

/* "FUNCTION:FILE:LINE" with the file as people read it; malloc'ed. */
static char *location_of(const struct report *r, const struct ranked *row)
{
	const char *const whole = file_of(r, row), *const at = *whole ? strstr(row->key, whole) : NULL;
	char *text = NULL;
	int n;

	if (at)
		n = asprintf(&text, "%.*s%s%s", (int)(at - row->key), row->key, short_paths_of(&paths, whole), at + strlen(whole));
	else
		n = asprintf(&text, "%s", row->key);
	return n < 0 ? NULL : text;
}

static int describe_rows(const struct report *r, struct emit *e)
{
	static const struct emit_column columns[] = { { "location" }, { "count" }, { "size" }, { "where", EMIT_FOR_PEOPLE } };
	static const struct emit_table table = {
		EMIT_TABLE("rows", columns),
		.sentence = "{where}: count={count}, size={size}\n",
	};
	int err = 0;

	emit_table(e, &table);
	for (size_t i = 0; i < shown && !err; i++) {
		const struct ranked *const row = &rows.items[i];
		char *const where = location_of(r, row);

		if (where)
			emit_row(e, (struct emit_value[]){ emit_words(row->key), emit_number(row->count), emit_size(row->bytes), emit_words(where) });
		else
			err = TRK_ERR_NOMEM;
		free(where);
	}
	emit_end(e);
	return err;
}

static void say_rest(struct emit *e)
{
	uint64_t bytes = 0, count = 0;

	for (size_t i = shown; i < rows.count; i++) {
		bytes += rows.items[i].bytes;
		count += rows.items[i].count;
	}
	emit_aside(e, "more", emit_count(rows.count - shown));
	emit_aside(e, "more_count", emit_count(count));
	emit_aside(e, "more_bytes", emit_size(bytes));
	if (shown < rows.count)
		emit_say(e, "{more} more location{more:s}: count={more_count:n}, size={more_bytes}; --limit 0 shows all\n");
}

static int describe(struct report *r, struct emit *e)
{
	const struct view *const v = &r->view;
	const struct sampled_margin m = sampled_view_margin(v, &r->asked);
	int err;

	emit_figure(e, "capture", emit_words(r->capture->path));
	report_figures(e, r);
	if (r->asked.spanned)
		selection_figures(e, "point", &r->asked, v);
	emit_figure(e, "threshold", emit_number(threshold));
	emit_figure(e, "total_count", emit_about(emit_count(v->count), v->sample_bytes, m.count));
	emit_figure(e, "total_bytes", emit_about(emit_size(v->bytes), v->sample_bytes, m.bytes));
	sampled_figure(e, v->sample_bytes);
	domains_figures(&r->domains, e);
	emit_figure(e, "row_count", emit_count(rows.count));
	sampled_say(e, v, &r->asked);
	emit_say(e, "Total: {total_count:bare} temporary allocation{total_count:s}, {total_bytes:bare} (threshold {threshold})\n");
	domains_say(&r->domains, e, "Domain ", "allocation");
	err = describe_rows(r, e);
	say_rest(e);
	return err;
}

static void finish(void)
{
	ranking_finish(&rows);
	short_paths_finish(&paths);
}

int main(int argc, char **argv)
{
	static const struct report_kind kind = {
		.command = &command,
		.schema = "tracker.temporary",
		.table = "rows",
		.common = &common,
		.filtering = &filtering,
		.ask = ask,
		.find = find,
		.describe = describe,
		.finish = finish,
	};

	return report_main(&kind, argc, argv);
}
