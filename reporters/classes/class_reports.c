/* class_reports - which report, and what all of them share; see class_reports.h. */
#include "classes/class_reports.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/selection.h"

const char *const classes_share_choices[] = { "heap", "vsz", "rss", NULL };

enum word { SUMMARY,
	    STATS,
	    HISTORY,
	    LIST,
	    HTML,
	    WORDS };
static const char *const words[WORDS] = { "summary", "stats", "history", "list", "html" };

static enum word chosen;
static bool is_html;
static struct classes all;
static struct report_kind kind;
static const struct report_kind *plain; /* tracker types without a word */

/* ---- texts ---- */

const char *classes_label(const struct tracked_snapshot *s, char buf[CLASSES_LABEL_ROOM])
{
	const double seconds = (double)s->at_ns / 1e9;

	if (*s->description)
		snprintf(buf, CLASSES_LABEL_ROOM, "%s (%.3fs)", s->description, seconds);
	else
		snprintf(buf, CLASSES_LABEL_ROOM, "%.3fs", seconds);
	return buf;
}

const char *classes_clock(uint64_t ns, char buf[32])
{
	const uint64_t hundredths = ns / 10000000;

	snprintf(buf, 32, "%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ".%02" PRIu64, hundredths / 360000, hundredths / 6000 % 60, hundredths / 100 % 60, hundredths % 100);
	return buf;
}

const char *classes_cut(const char *text, size_t most, bool left, char *buf)
{
	const char *const end = text + strlen(text);
	char piece[UI_PIECE_ROOM];
	size_t whole = 0, at = 0, put = 0;

	for (const char *p = text; p < end; whole += strlen(piece))
		p += ui_piece(p, (size_t)(end - p), piece);
	const bool cuts = whole > most;
	const size_t skipped = cuts && left ? whole - most + 3 : 0, room = cuts && !left ? most - 3 : most;

	if (skipped)
		put = (size_t)snprintf(buf, most + 1, "...");
	for (const char *p = text; p < end; at += strlen(piece)) { /* no character is cut in two */
		p += ui_piece(p, (size_t)(end - p), piece);
		if (at < skipped)
			continue;
		if (put + strlen(piece) > room)
			break;
		memcpy(buf + put, piece, strlen(piece));
		put += strlen(piece);
	}
	memcpy(buf + put, cuts && !left ? "..." : "", cuts && !left ? 4 : 1);
	return buf;
}

uint64_t classes_since_start(const struct classes *c, uint32_t process, uint64_t ns)
{
	const struct capture *const capture = c->t.report->capture;
	const uint64_t start_ns = process < capture->process_count ? capture->processes[process].start_ns : 0;

	return ns > start_ns ? ns - start_ns : 0;
}

static uint64_t of_heap(const struct tracked_snapshot *s)
{
	return s->heap_bytes;
}

static uint64_t of_vsz(const struct tracked_snapshot *s)
{
	return s->figures[FIGURE_VSZ];
}

static uint64_t of_rss(const struct tracked_snapshot *s)
{
	return s->figures[FIGURE_RSS];
}

double classes_share(const struct classes *c, const struct tracked_snapshot *s, uint64_t bytes)
{
	const uint64_t whole = c->whole(s);

	return whole ? 100.0 * (double)bytes / (double)whole : 0;
}

/* ---- the report ---- */

/* What chooses blocks chooses no objects. */
static void refuse_choices(const struct classes_options *o)
{
	const struct selection_options *const selection = plain->selection;
	const struct filter_options *const filtering = plain->filtering;
	const struct {
		const char *option;
		bool given;
	} refused[] = {
		{ "--no-sites", *o->no_sites },
		{ "--thread", plain->common->thread != NULL },
		{ "--filter", filtering->filters.count != 0 },
		{ "--include", filtering->includes.count != 0 },
		{ "--exclude", filtering->excludes.count != 0 },
		{ "--domain", filtering->domains.count != 0 },
		{ "--leaks", selection->leaks },
		{ "--temporary-allocations", selection->temporary },
		{ "--temporary-allocation-threshold", selection->threshold != UINT64_MAX },
		{ "--allocations", selection->allocations },
	};

	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		ui_exclude(refused[i].option, refused[i].given, words[chosen], true);
}

/* Options that this report has not would mean nothing. */
static void check_options(const struct classes_options *o)
{
	const bool stats = chosen == STATS, shares = chosen == SUMMARY || chosen == HTML;

	refuse_choices(o);
	ui_needs("--class", o->class != NULL, "stats or history", stats || chosen == HISTORY);
	ui_needs("--sort", o->sort != NULL, "stats", stats);
	ui_needs("--reverse", o->reverse, "stats", stats);
	ui_needs("--limit", *o->limit != NULL, "stats", stats);
	ui_needs("--pct-of", o->share_of != NULL, "summary or html", shares);
	ui_needs("--min-share", o->min_share != UINT64_MAX, "html", chosen == HTML);
	if (is_html)
		ui_exclude("--json", kind.common->json, "html", true);
	if (is_html)
		ui_exclude("--csv", kind.common->csv, "html", true);
}

static void check(struct report *r)
{
	(void)r;
	check_options(all.o);
	classes_check_stats(all.o);
	all.whole = !all.o->share_of || !strcmp(all.o->share_of, "heap") ? of_heap : !strcmp(all.o->share_of, "vsz") ? of_vsz :
														       of_rss;
}

static void ask(struct report *r)
{
	if (!selection_is_whole(r))
		ui_usage_error("a point (CAPTURE@POINT) is not allowed: snapshots of a whole capture are shown");
}

static int find(struct report *r)
{
	if (capture_is_aggregated(r->capture)) {
		ui_error("%s is aggregated: it has sums in place of single objects; record without --aggregate", r->capture->path);
		return UI_CANNOT;
	}
	all.t.wants_objects = chosen == STATS || chosen == HTML;
	all.t.wants_changes = chosen == HISTORY || chosen == HTML;
	return tracked_read(&all.t, r);
}

static int describe(struct report *r, struct emit *e)
{
	emit_figure(e, "capture", emit_words(r->capture->path));
	report_figures(e, r);
	emit_figure(e, "report", emit_words(words[chosen]));
	emit_figure(e, "snapshot_count", emit_count(all.t.snapshot_count));
	emit_figure(e, "left_out", emit_count(all.t.left_out));
	switch (chosen) {
	case SUMMARY:
		classes_describe_summary(&all, e);
		break;
	case STATS:
		return classes_describe_stats(&all, e);
	case HISTORY:
		classes_describe_history(&all, e);
		break;
	default:
		classes_describe_list(&all, e);
	}
	return 0;
}

static int write_html(struct report *r, FILE *f)
{
	(void)r;
	return classes_write_html(&all, f);
}

static void finish(void)
{
	tracked_finish(&all.t);
}

bool classes_is_word(const char *word)
{
	for (size_t i = 0; i < WORDS; i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	return false;
}

int classes_main(const char *word, const struct classes_options *o, const struct report_kind *base, int argc, char **argv)
{
	while (chosen < HTML && strcmp(words[chosen], word) != 0)
		chosen++;
	is_html = chosen == HTML;
	all.o = o;
	plain = base;
	kind = (struct report_kind){
		.command = base->command,
		.schema = base->schema,
		.table = "rows",
		.common = base->common,
		.reads_itself = true,
		.wants_other_form = &is_html,
		.write_other_form = write_html,
		.check = check,
		.ask = ask,
		.find = find,
		.describe = describe,
		.finish = finish,
	};
	return report_main(&kind, argc, argv);
}
