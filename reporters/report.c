/*
 * tracker-report - prints on one screen what a newcomer asks first: which program it was and how it ended, who held
 * memory at the peak, what leaked, who wastes time on short-lived blocks, and what the capture lacks; and for each of
 * these the command that says more. One pass over the events answers all of it but what grows.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/endings.h"
#include "common/report.h"
#include "common/reserved.h"
#include "common/selection.h"
#include "common/suppress.h"
#include "report/growing.h"
#include "report/notes.h"
#include "report/origins.h"
#include "report/places.h"
#include "report/recorded.h"
#include "report/sheet.h"

static struct report_options common;

static const struct ui_option options[] = {
	REPORT_STACK_OPTIONS(common),
	REPORT_CSV_OPTION(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_absent absent[] = {
	{ "filter", "it shows everything on one screen; tracker stats, summary, leaks and growth have it" },
	{ "include", "it shows everything on one screen; tracker stats, summary, leaks and growth have it" },
	{ "exclude", "it shows everything on one screen; tracker stats, summary, leaks and growth have it" },
	{ "domain", "it shows everything on one screen; tracker stats, summary, leaks and growth have it" },
	{ "thread", "it shows everything on one screen; tracker stats, summary, leaks and growth have it" },
	{ "limit", "it is one screen; each part names the command that shows more" },
	{ NULL, NULL },
};

static const struct ui_command command = {
	.name = "tracker-report",
	.usage = "[options] CAPTURE[@POINT]",
	.summary = "Prints on one screen what happened, who holds memory, and what leaked.",
	.details = "The text has at most 24 lines of 80 columns, or of the terminal's width. It names for\n"
		   "each part the command that says more. --json and --csv print all of it.\n"
		   "With a point, the largest holders are those at that point.\n" REPORT_POINTS "\n"
		   "Examples:\n"
		   "  tracker report app.bin\n"
		   "  tracker app.bin\n",
	.options = options,
	.absent = absent,
	.min_operands = 1,
	.max_operands = 1,
};

static struct found {
	struct view leaks, temporary; /* beside the report's view, of what lives at the peak */
	struct origins origins;
	struct ranking holders, leaking, wasting;
	struct endings endings; /* of what leaks */
	uint64_t leaked_bytes, leaked_count, kept_bytes, kept_count;
	uint64_t rss; /* at the peak */
	struct growth growth;
	struct notes notes;
} found;

/* Whether the same eyes see stdout and stderr: then what the report says is not said again. */
static bool reads_both(void)
{
	struct stat out, err;

	return isatty(STDOUT_FILENO) || (fstat(STDOUT_FILENO, &out) == 0 && fstat(STDERR_FILENO, &err) == 0 && out.st_dev == err.st_dev &&
					 out.st_ino == err.st_ino);
}

static void ask(struct report *r)
{
	if (r->at.is_range)
		ui_usage_error("a range (CAPTURE@A..B) is not allowed; tracker diff %s shows what grew between two points", r->capture->path);
	r->told_inside = !common.json && !common.csv && !common.output && reads_both();
	r->asked = (struct view_options){
		.what = VIEW_LIVE,
		.process = r->process,
		.at = r->at,
		.threshold = (uint32_t)selection_threshold(r),
		.leaks = &found.leaks,
		.temporary = &found.temporary,
	};
}

/* ---- what it shows ---- */

static int find_leaks(struct report *r)
{
	const struct view *const v = &found.leaks;
	struct suppressions builtin;
	int err = suppressions_init(&builtin, true);

	endings_begin(&found.endings, r->capture, r->process);
	for (size_t i = 0; i < v->row_count && !err; i++) {
		const struct view_row *const row = &v->rows[i];
		size_t n;
		const struct source_frame *const frames = stacks_frames(r->stacks, row->node, &n);

		if (suppressions_match(&builtin, frames, n, NULL)) {
			found.kept_bytes += row->bytes;
			found.kept_count += row->count;
			continue;
		}
		found.leaked_bytes += row->bytes;
		found.leaked_count += row->count;
		endings_add(&found.endings, row->process, &(struct ending_sum){ row->bytes, row->count, view_error(v, row) });
		err = origins_rank_row(&found.origins, row, &found.leaking);
	}
	suppressions_finish(&builtin);
	ranking_sort_by_bytes(&found.leaking);
	return err;
}

static int learn(struct report *r)
{
	const struct view *const views[] = { &r->view, &found.leaks, &found.temporary };
	int err = 0;

	found.origins.stacks = r->stacks;
	for (size_t i = 0; i < sizeof(views) / sizeof(*views) && !err; i++)
		err = origins_learn(&found.origins, views[i]);
	return err;
}

static int find(struct report *r)
{
	int err = learn(r);

	if (!err)
		err = origins_rank(&found.origins, &r->view, &found.holders);
	if (!err)
		err = origins_rank(&found.origins, &found.temporary, &found.wasting);
	if (!err)
		err = find_leaks(r);
	ranking_sort_by_bytes(&found.holders);
	ranking_sort_by_count(&found.wasting);
	if (!err)
		err = recorded_rss(r, r->view.time_ns, &found.rss);
	if (!err)
		err = notes_find(&found.notes, r);
	return err ? err : growth_find(&found.growth, r, &(struct growth_options){ .exact = false });
}

/* ---- for programs ---- */

static void describe_peak(const struct report *r, struct emit *e)
{
	const struct view *const v = &r->view;
	const struct sampled_margin m = sampled_view_margin(v, &r->asked);
	char name[700];

	emit_group(e, "point");
	emit_figure(e, "name", emit_words(selection_name(&r->asked, name, sizeof(name))));
	emit_figure(e, "time_ns", emit_time(v->time_ns));
	emit_figure(e, "size", emit_about(emit_size(v->bytes), v->sample_bytes, m.bytes));
	emit_figure(e, "count", emit_about(emit_count(v->count), v->sample_bytes, m.count));
	emit_figure(e, "rss_bytes", found.rss ? emit_size(found.rss) : emit_null());
	emit_end(e);
	places_describe(e, "holders", &found.origins, &found.holders, v->bytes);
}

static void describe_leaks(const struct report *r, struct emit *e)
{
	endings_figures(e, &found.endings);
	emit_figure(e, "kept_size", emit_size(found.kept_bytes));
	emit_figure(e, "kept_count", emit_count(found.kept_count));
	places_describe(e, "leaks", &found.origins, &found.leaking, found.leaked_bytes);
}

static void describe_temporary(const struct report *r, struct emit *e)
{
	const struct view *const v = &found.temporary;
	const struct sampled_margin m = sampled_margin(v->sample_bytes, &v->error);

	emit_group(e, "temporary");
	emit_figure(e, "threshold", emit_number(r->asked.threshold));
	emit_figure(e, "count", emit_about(emit_count(v->count), v->sample_bytes, m.count));
	emit_figure(e, "size", emit_about(emit_size(v->bytes), v->sample_bytes, m.bytes));
	emit_end(e);
	places_describe(e, "temporary_places", &found.origins, &found.wasting, v->bytes);
}

static int describe_figures(const struct report *r, struct emit *e)
{
	const struct heap_totals *const t = &r->view.totals;
	const int err = recorded_figures(e, r);

	sampled_figure(e, r->view.sample_bytes);
	emit_figure(e, "total_count", emit_count(t->allocations));
	emit_figure(e, "total_size", emit_size(t->bytes_allocated));
	reserved_figures(e, t);
	domains_figures(&r->domains, e);
	describe_peak(r, e);
	describe_leaks(r, e);
	describe_temporary(r, e);
	growing_figures(e, r, &found.growth);
	notes_figures(e, &found.notes);
	report_figures(e, r);
	return err;
}

/* ---- for people ---- */

static void say_peak(struct sheet *s, const struct report *r)
{
	const struct view *const v = &r->view;
	const char *const about = v->sample_bytes ? "about " : "";
	char text[200], name[700], where[64], size[32], count[32], resident[64] = "", bytes[32];

	if (found.rss)
		snprintf(resident, sizeof(resident), "; RSS %s", ui_size(bytes, sizeof(bytes), (int64_t)found.rss, false));
	snprintf(where, sizeof(where), "%s%.40s", r->has_point ? "At " : "Peak", r->has_point ? selection_name(&r->asked, name, sizeof(name)) : "");
	snprintf(text, sizeof(text), "%s: %s%s in %s block%s at %.3f s%s", where, about, ui_size(size, sizeof(size), (int64_t)v->bytes, false),
		 ui_count(count, sizeof(count), v->count), v->count == 1 ? "" : "s", (double)v->time_ns / 1e9, resident);
	sheet_line(s, "", "", "");
	sheet_heading(s, text, "summary", r->operand);
	places_say(s, &found.origins, &found.holders, r->view.bytes, PLACES_SHOWN);
}

/* Of several processes that ended in different ways. */
static void say_endings(struct sheet *s)
{
	char *const sentence = endings_sentence(&found.endings);

	s->no_memory |= !sentence;
	sheet_line(s, "  ", sentence, "");
	free(sentence);
}

static void say_leaks(struct sheet *s, const struct report *r)
{
	const enum ending only = endings_only(&found.endings);
	char words[ENDING_WORDS_ROOM] = "not freed", size[32], count[32], text[200];

	sheet_line(s, "", "", "");
	if (only != ENDINGS)
		ending_words(&found.endings, only, words);
	words[0] = (char)toupper((unsigned char)words[0]);
	if (!found.leaked_count && only == ENDING_LEAKED)
		snprintf(text, sizeof(text), "Nothing leaked.");
	else
		snprintf(text, sizeof(text), "%s: %s%s in %s block%s", words, found.leaks.sample_bytes ? "about " : "",
			 ui_size(size, sizeof(size), (int64_t)found.leaked_bytes, false), ui_count(count, sizeof(count), found.leaked_count),
			 found.leaked_count == 1 ? "" : "s");
	sheet_heading(s, text, "leaks", r->capture->path);
	if (only == ENDINGS)
		say_endings(s);
	places_say(s, &found.origins, &found.leaking, found.leaked_bytes, PLACES_SHOWN);
}

static void say_temporary(struct sheet *s, const struct report *r)
{
	const struct view *const v = &found.temporary;
	const uint64_t all = r->view.totals.allocations;
	const struct ranked *const most = found.wasting.count ? &found.wasting.items[0] : NULL;
	char text[128], before[64], count[32], of[32];

	snprintf(text, sizeof(text), "Temporary: %s of %s allocation%s (%.0f %%)", ui_count(count, sizeof(count), v->count),
		 ui_count(of, sizeof(of), all), all == 1 ? "" : "s", all ? 100.0 * (double)v->count / (double)all : 0);
	sheet_heading(s, text, "temporary", r->capture->path);
	if (!most)
		return;
	snprintf(before, sizeof(before), "  %s by ", ui_count(count, sizeof(count), most->count));
	places_say_one(s, before, UI_PLAIN, &found.origins, most->node);
}

static int say(const struct report *r, struct emit *e)
{
	struct sheet s;
	int err;

	sheet_begin(&s, e, emit_people(e));
	err = recorded_say(&s, r);
	if (r->view.totals.allocations) {
		say_peak(&s, r);
		say_leaks(&s, r);
		say_temporary(&s, r);
		growing_say(&s, r, &found.origins, &found.growth);
	}
	notes_say(&s, &found.notes);
	if (r->view.totals.allocations)
		sheet_heading(&s, "All of it as a page:", "flamegraph", r->capture->path);
	return s.no_memory ? TRK_ERR_NOMEM : err;
}

static int describe(struct report *r, struct emit *e)
{
	int err;

	emit_figure(e, "capture", emit_words(r->capture->path));
	err = describe_figures(r, e);
	return !err && emit_people(e) ? say(r, e) : err;
}

static void finish(void)
{
	view_finish(&found.leaks);
	view_finish(&found.temporary);
	origins_finish(&found.origins);
	ranking_finish(&found.holders);
	ranking_finish(&found.leaking);
	ranking_finish(&found.wasting);
	growth_finish(&found.growth);
	notes_finish(&found.notes);
}

int main(int argc, char **argv)
{
	static const struct report_kind kind = {
		.command = &command,
		.schema = "tracker.report",
		.common = &common,
		.ask = ask,
		.find = find,
		.describe = describe,
		.finish = finish,
	};

	return report_main(&kind, argc, argv);
}
