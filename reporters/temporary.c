/*
 * tracker-temporary - prints where blocks were allocated that were freed soon afterwards, so that one can avoid or
 * keep them.
 */
#include "common/selection.h"
#include "common/report.h"
#include "common/ranking.h"

static struct report_options common;
static uint64_t threshold = UINT64_MAX, limit; /* threshold: UINT64_MAX when it is not given */

static const struct ui_option options[] = {
	{ 'n', "threshold", UI_UINT, &threshold, "N",
	  "at most N other allocations of the thread before the free (default 1; in an aggregated "
	  "capture the number with which it was recorded)",
	  0,
	  UINT32_MAX - 1 },
	{ 'l', "limit", UI_UINT, &limit, "N", "rows to print (default 0: all)", 0, 0 },
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

static int find(struct report *r)
{
	const int err = ranking_of_view(&r->view, r->stacks, &rows, NULL);

	ranking_sort_by_bytes(&rows);
	return err;
}

static void describe_rows(struct emit *e)
{
	static const struct emit_column columns[] = { { "location" }, { "count" }, { "size" } };
	static const struct emit_table table = {
		EMIT_TABLE("rows", columns),
		.sentence = "{location}: count={count}, size={size}\n",
	};

	emit_table(e, &table);
	for (size_t i = 0; i < rows.count && (!limit || i < limit); i++)
		emit_row(e, (struct emit_value[]){ emit_words(rows.items[i].key), emit_number(rows.items[i].count),
						   emit_size(rows.items[i].bytes) });
	emit_end(e);
}

static int describe(struct report *r, struct emit *e)
{
	const struct view *const v = &r->view;
	const struct sampled_margin m = sampled_view_margin(v, &r->asked);

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
	describe_rows(e);
	emit_say(e, "Total: {total_count:bare} temporary allocation{total_count:s}, {total_bytes:bare} (threshold {threshold})\n");
	domains_say(&r->domains, e, "Domain ", "allocation");
	return 0;
}

static void finish(void)
{
	ranking_finish(&rows);
}

int main(int argc, char **argv)
{
	static const struct report_kind kind = {
		.command = &command,
		.schema = "tracker.temporary",
		.table = "rows",
		.common = &common,
		.ask = ask,
		.find = find,
		.describe = describe,
		.finish = finish,
	};

	return report_main(&kind, argc, argv);
}
