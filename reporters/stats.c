/*
 * tracker-stats - totals, sizes, kinds and the locations that allocate most:
 * memray's stats for any program, in one pass over the events.
 */
#include <string.h>

#include "common/endings.h"
#include "common/selection.h"
#include "common/heap_figures.h"
#include "common/histogram.h"
#include "common/kind_list.h"
#include "common/metadata.h"
#include "common/process_list.h"
#include "common/process_name.h"
#include "common/process_tree.h"
#include "common/report.h"
#include "common/ranking.h"

#define TOP_DEFAULT 5
#define PROCESSES_DEFAULT 10
#define MODULES_DEFAULT 3 /* that people see */
#define ENDS 3 /* processes that a signal ended: people see so many */

static struct report_options common = { .failed = "Failed to compute statistics for" };
static struct filter_options filtering;
static const char *region;
static uint64_t largest; /* 0: not given */
static size_t processes = PROCESSES_DEFAULT, people_modules = MODULES_DEFAULT;
static bool only_buckets, as_tree;

static const struct ui_option options[] = {
	{ 'n', "limit", UI_UINT, &largest, "N", "locations (default 5), modules (default 3; 5 in JSON) and processes (default 10) to print", 1, 0 },
	{ 0, "num-largest", UI_UINT, &largest, "N", "the same as --limit", 1, 0 },
	{ 0, "tree", UI_FLAG, &as_tree, NULL, "print the processes as a tree, those of one name as one", 0, 0 },
	{ 0, "buckets", UI_FLAG, &only_buckets, NULL,
	  "print only the number of allocations for each power of two", 0, 0 },
	{ 0, "region", UI_STRING, &region, "NAME",
	  "count only what was allocated inside this region, which the program named", 0, 0 },
	FILTER_OPTIONS(filtering),
	REPORT_THREAD_OPTION(common),
	REPORT_STACK_OPTIONS(common),
	REPORT_CSV_OPTION(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-stats",
	.usage = "[options] CAPTURE[@POINT]",
	.summary = "Prints totals, sizes, allocators and the locations that allocate most.",
	.details = "With a point, the figures cover the capture up to that point; with a range\n"
		   "(CAPTURE@A..B), they cover the blocks allocated between A and B, as of B.\n"
		   "With --thread and filters, all figures, the peak too, are those of the blocks chosen.\n" REPORT_POINTS "\n"
		   "Examples:\n"
		   "  tracker stats app.bin\n"
		   "  tracker stats -n 10 --json app.bin\n"
		   "  tracker stats --buckets --region frame app.bin\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

static struct stats {
	struct ranking locations, modules;
	struct histogram sizes;
	struct endings endings;
} found;

static int find(struct report *r)
{
	histogram_fill(&found.sizes, &r->view);
	endings_begin(&found.endings, r->capture, r->process);
	endings_add_totals(&found.endings, &r->view.process_totals);
	return only_buckets ? 0 : ranking_of_view(&r->view, r->stacks, &found.locations, &found.modules);
}

static const char *const nouns[] = { "location", "module" };

/* Of modules, people see both figures in one list. */
static void describe_top(struct emit *e, bool modules, struct ranking *sums, bool bytes, bool shown)
{
	char key[48];
	const size_t most = modules && emit_people(e) ? people_modules : (size_t)largest;
	const struct emit_column columns[] = { { nouns[modules] }, { bytes ? "size" : "count" }, { "figure", EMIT_FOR_PEOPLE }, { "key", EMIT_FOR_PEOPLE }, { "calls", EMIT_FOR_PEOPLE } };
	const struct emit_table table = { EMIT_TABLE(key, columns), .sentence = shown ? "\t- {key} -> {figure}[ in {calls}]\n" : "" };

	snprintf(key, sizeof(key), "top_%s_by_%s", modules ? "modules" : "allocations", bytes ? "size" : "count");
	(bytes ? ranking_sort_by_bytes : ranking_sort_by_count)(sums);
	emit_aside(e, "limit", emit_number(most));
	emit_aside(e, "noun", emit_words(nouns[modules]));
	emit_aside(e, "by", emit_words(bytes ? "size" : "number of allocations"));
	if (shown)
		emit_say(e, "Top {limit} largest allocating {noun}s (by {by}):\n");
	emit_table(e, &table);
	for (size_t i = 0; i < sums->count && i < most; i++) {
		const struct ranked *const s = &sums->items[i];
		const struct emit_value figure = bytes ? emit_size(s->bytes) : emit_count(s->count);

		emit_row(e, (struct emit_value[]){ emit_words(s->key), figure, figure, emit_words(s->key),
						   modules ? emit_count(s->count) : emit_absent() });
	}
	emit_end(e);
}

/* ---- the whole ---- */

/* How programs ended is part of the answer, and no fault of the capture. */
static void say_ends(const struct report *r, struct emit *e)
{
	const struct capture *c = r->capture;
	char signal[16], name[PROCESS_NAME_ROOM];
	uint32_t said = 0;

	for (uint32_t i = 0; i < c->process_count; i++) {
		const struct trk_process *p = &c->processes[i];

		if (p->ended != TRK_KILLED || (r->process != UINT32_MAX && r->process != i) || said++ >= ENDS)
			continue;
		emit_aside(e, "program", emit_words(p->name[0] ? process_name(p, name) : "program"));
		emit_aside(e, "pid", emit_number(p->pid));
		emit_aside(e, "signal", emit_words(ending_signal(p->code, signal)));
		emit_aside(e, "end", emit_tenths(p->end_ns));
		emit_say(e, "{program} ({pid}) was killed by {signal} at {end}\n");
	}
	emit_aside(e, "more_killed", said > ENDS ? emit_number(said - ENDS) : emit_absent());
	emit_say(e, "[{more_killed} more were killed; tracker info lists them\n]");
}

/* Says what is counted, if that is not the whole capture. */
static void say_part(const struct report *r, struct emit *e)
{
	char name[700];

	if (region)
		emit_say(e, "Region: {region}\n");
	if (r->asked.spanned) {
		emit_aside(e, "word", emit_words(r->asked.at.is_range ? "Allocated in" : "Until"));
		emit_aside(e, "where", emit_words(selection_point(&r->asked.at, name, sizeof(name))));
		emit_say(e, "{word}: {where} ({point.time_ns})\n");
	}
	if (common.thread)
		emit_say(e, "Thread: {thread}\n");
	if (r->filters.count)
		emit_say(e, "Only what passes the filters\n");
	if (region || r->asked.spanned || r->asked.counts)
		emit_say(e, "\n");
}

/* Otherwise it is not about ends of processes. */
static bool is_whole(const struct report *r)
{
	return !region && !r->asked.spanned;
}

static void describe_head(const struct report *r, struct emit *e)
{
	emit_figure(e, "capture", emit_words(r->capture->path));
	if (r->asked.spanned)
		selection_figures(e, "point", &r->asked, &r->view);
	if (region)
		emit_figure(e, "region", emit_words(region));
	if (common.thread)
		emit_figure(e, "thread", emit_words(common.thread));
	sampled_figure(e, r->view.sample_bytes);
	heap_figures_describe(e, r->view.sample_bytes, &r->view.totals);
	if (is_whole(r))
		endings_figures(e, &found.endings);
	emit_figure(e, "events", emit_count(r->view.events));
	domains_figures(&r->domains, e);
}

static void say_head(const struct report *r, struct emit *e)
{
	say_ends(r, e);
	say_part(r, e);
	sampled_say(e, &r->view, &r->asked);
	heap_figures_say(e, &r->view.totals, is_whole(r) ? &found.endings : NULL);
}

static void say_domains(const struct report *r, struct emit *e)
{
	if (r->domains.count < 2)
		return;
	emit_say(e, "Domains:\n");
	domains_say(&r->domains, e, "\t", "allocation");
}

static int describe(struct report *r, struct emit *e)
{
	int err = 0;

	if (only_buckets && emit_people(e)) {
		histogram_describe_buckets(&found.sizes, e, true);
		return 0;
	}
	describe_head(r, e);
	say_head(r, e);
	if (!as_tree || !emit_people(e))
		err = process_list_describe(r, e, processes);
	if (as_tree && !err)
		err = process_tree_describe(r, e);
	say_domains(r, e);
	histogram_describe(&found.sizes, &r->view, e);
	histogram_describe_buckets(&found.sizes, e, false);
	kind_list_describe(&r->view.totals, e);
	describe_top(e, false, &found.locations, true, true);
	describe_top(e, false, &found.locations, false, true);
	describe_top(e, true, &found.modules, true, true);
	describe_top(e, true, &found.modules, false, false); /* people see it beside the sizes */
	emit_group(e, "metadata");
	if (!err)
		err = metadata_figures(e, r, &r->view.totals);
	emit_end(e);
	report_figures(e, r);
	return err;
}

/* Buckets know sizes, no stacks. */
static void check(struct report *r)
{
	ui_exclude("--buckets", only_buckets, "--limit", largest != 0);
	ui_exclude("--buckets", only_buckets, "--tree", as_tree);
	ui_exclude("--buckets", only_buckets, "--no-skip", common.no_skip);
	ui_exclude("--buckets", only_buckets, "--skip-frame", common.skip_frames.count != 0);
	(void)r;
	if (largest)
		processes = people_modules = (size_t)largest;
	else
		largest = TOP_DEFAULT;
}

static void ask(struct report *r)
{
	r->nameless = only_buckets;
	r->asked = (struct view_options){
		.what = VIEW_ALLOCATIONS,
		.sizes = true,
		.process = r->process,
		.at = r->at,
		.spanned = !selection_is_whole(r),
		.region = region,
	};
}

static void finish(void)
{
	ranking_finish(&found.locations);
	ranking_finish(&found.modules);
}

int main(int argc, char **argv)
{
	static const struct report_kind kind = {
		.command = &command,
		.schema = "tracker.stats",
		.common = &common,
		.filtering = &filtering,
		.narrows_events = true,
		.check = check,
		.ask = ask,
		.find = find,
		.describe = describe,
		.finish = finish,
	};

	return report_main(&kind, argc, argv);
}
