/*
 * tracker-stats - totals, sizes, kinds and the locations that allocate most:
 * memray's stats for any program, in one pass over the events.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "choice.h"
#include "metadata.h"
#include "report.h"
#include "reserved.h"
#include "sums.h"

#define BINS 10
#define BAR_LONGEST 25
#define BUCKETS 16
#define BUCKET_SMALLEST 16u
#define TOP_DEFAULT 5

static struct report_options common = { .failed = "Failed to compute statistics for" };
static const char *region;
static uint64_t largest; /* 0: not given */
static bool only_buckets;

static const struct ui_option options[] = {
	{ 'n', "num-largest", UI_UINT, &largest, "N", "locations and modules to print (default 5)",
	  1, 0 },
	{ 0, "buckets", UI_FLAG, &only_buckets, NULL,
	  "print only how many allocations there were of each power of two", 0, 0 },
	{ 0, "region", UI_STRING, &region, "NAME",
	  "count only what was allocated inside a region that the program named", 0, 0 },
	REPORT_STACK_OPTIONS(common),
	REPORT_OPTIONS(common),
	{ 0 },
};

static const struct ui_command command = {
	.name = "tracker-stats",
	.usage = "[options] CAPTURE[@POINT]",
	.summary = "Prints totals, sizes, allocators and the locations that allocate most.",
	.details = "With a point, the figures are those of the capture up to it; with a range\n"
		   "(CAPTURE@A..B), those of the blocks allocated between A and B, as of B.\n"
		   REPORT_POINTS "\n"
		   "Examples:\n"
		   "  tracker stats app.bin\n"
		   "  tracker stats -n 10 --json app.bin\n"
		   "  tracker stats --buckets --region frame app.bin\n",
	.options = options,
	.min_operands = 1,
	.max_operands = 1,
};

struct bin {
	uint64_t bound; /* sizes below it; of the last one: the largest size */
	uint64_t count;
};

static struct stats {
	struct sums locations, modules;
	struct bin bins[BINS];
	bool has_bins;
	uint64_t buckets[BUCKETS];
} found;

/* ---- figures ---- */

/* memray's: BINS steps of equal ratio from the smallest size that is not 0 to the largest. */
static void bound_bins(struct stats *s, const struct view *v)
{
	const uint64_t largest_size = v->sizes[v->size_count - 1].size;
	const double low = log((double)v->sizes[v->sizes[0].size == 0 && v->size_count > 1].size);
	const double step = (log((double)largest_size) - low) / BINS;

	for (size_t i = 0; i < BINS; i++) {
		const double bound = largest_size ? exp(low + step * (double)(i + 1)) : 0;

		s->bins[i].bound = bound < (double)largest_size ? (uint64_t)bound : largest_size;
	}
	s->bins[BINS - 1].bound = largest_size;
}

/* The bounds are whole bytes, and decide: a bin holds what its line says. */
static void fill_bins(struct stats *s, const struct view *v)
{
	size_t bin = 0;

	if (v->size_count == 0)
		return;
	s->has_bins = true;
	bound_bins(s, v);
	for (size_t i = 0; i < v->size_count; i++) {
		while (bin < BINS - 1 && v->sizes[i].size >= s->bins[bin].bound)
			bin++;
		s->bins[bin].count += v->sizes[i].count;
	}
}

/* Of sizes up to 16 B, 32 B ... 256 KiB, and of all larger ones. */
static void fill_buckets(struct stats *s, const struct view *v)
{
	for (size_t i = 0; i < v->size_count; i++) {
		size_t b = 0;

		while (b < BUCKETS - 1 && v->sizes[i].size > (uint64_t)BUCKET_SMALLEST << b)
			b++;
		s->buckets[b] += v->sizes[i].count;
	}
}

struct kind_figure {
	const char *name;
	uint64_t count;
};

static int by_figure(const void *a, const void *b)
{
	const struct kind_figure *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* By name, which new and new[] share. */
static size_t sort_kinds(const struct heap_totals *t, struct kind_figure out[TRK_KINDS])
{
	size_t n = 0;

	for (uint8_t kind = 0; kind < TRK_KINDS; kind++) {
		const char *name = trk_kind_name(kind);
		size_t i = 0;

		if (!t->kind_count[kind])
			continue;
		while (i < n && strcmp(out[i].name, name) != 0)
			i++;
		if (i == n)
			out[n++] = (struct kind_figure){ name, 0 };
		out[i].count += t->kind_count[kind];
	}
	qsort(out, n, sizeof(*out), by_figure);
	return n;
}

static int find(struct report *r)
{
	fill_bins(&found, &r->view);
	fill_buckets(&found, &r->view);
	return only_buckets ? 0 : sums_of_view(&r->view, r->stacks, &found.locations, &found.modules);
}

/* ---- totals, of all and of each process ---- */

/* Columns for programs, then those for people. */
enum column { PID, NAME, COMMAND_LINE, STATUS, SIGNAL, SHOWN_PID, SHOWN_NAME, ALLOCATIONS, FREES, ALLOCATED, PEAK, NOT_FREED, TEMPORARY, COLUMNS };

static void describe_totals(struct emit *e, uint64_t every, const struct heap_totals *t)
{
	const double turns = heap_turns(t);
	const struct sampled_margin allocated = sampled_margin(every, &t->allocated_error), freed = sampled_margin(every, &t->freed_error),
				    live = sampled_margin(every, &t->live_error), temporary = sampled_margin(every, &t->temporary_error);
	const uint64_t peak_bytes = sampling_peak_bytes_margin(every, &t->peak_error, turns),
		       peak_blocks = sampling_peak_count_margin(every, &t->peak_error, turns);

	emit_figure(e, "total_num_allocations", emit_about(emit_count(t->allocations), every, allocated.count));
	emit_figure(e, "total_bytes_allocated", emit_about(emit_size(t->bytes_allocated), every, allocated.bytes));
	emit_figure(e, "total_num_frees", emit_about(emit_count(t->frees), every, freed.count));
	emit_figure(e, "total_bytes_freed", emit_about(emit_size(t->bytes_freed), every, freed.bytes));
	emit_figure(e, "unmatched_frees", emit_count(t->unmatched_frees));
	emit_figure(e, "leaked_allocations", emit_about(emit_count(t->live_blocks), every, live.count));
	emit_figure(e, "leaked_bytes", emit_about(emit_size(t->live_bytes), every, live.bytes));
	emit_figure(e, "temporary_allocations", emit_about(emit_count(t->temporary), every, temporary.count));
	emit_figure(e, "temporary_bytes", emit_about(emit_size(t->temporary_bytes), every, temporary.bytes));
	emit_figure(e, "peak_memory", emit_about(emit_size(t->peak_bytes), every, peak_bytes));
	emit_figure(e, "peak_blocks", emit_about(emit_count(t->peak_blocks), every, peak_blocks));
	emit_figure(e, "peak_time_ns", emit_time(t->peak_time_ns));
	reserved_figures(e, t);
	emit_figure(e, "lost_events", emit_count(t->lost));
	emit_figure(e, "overwritten", emit_count(t->overwritten));
	emit_figure(e, "wiped_by_exec", emit_count(t->wiped_blocks));
	emit_margins(e);
}

static void say_totals(struct emit *e, const struct heap_totals *t)
{
	emit_say(e, "Total allocations:\n\t{total_num_allocations}\n\n"
		    "Total frees:\n\t{total_num_frees}\n\n"
		    "Total memory allocated:\n\t{total_bytes_allocated}\n\n"
		    "Peak memory usage:\n\t{peak_memory} in {peak_blocks} block{peak_blocks:s} at {peak_time_ns}\n\n");
	reserved_say(e, t->most_reserved_bytes, t->most_reserved_mappings, "\n\n");
	/* not "leaked": what runtimes keep on purpose is among it */
	emit_say(e, "Not freed:\n\t{leaked_bytes} in {leaked_allocations} block{leaked_allocations:s}\n\n"
		    "Temporary allocations:\n\t{temporary_allocations} ({temporary_bytes})\n\n");
}

static int describe_process(const struct report *r, struct emit *e, uint32_t index)
{
	const struct cap_process *const p = &r->capture->processes[index];
	const struct heap_totals *const t = process_totals_get(&r->view.process_totals, index);
	char *const command_line = metadata_command_line(p);

	if (!command_line)
		return TRK_ERR_NOMEM;
	emit_row_begin(e, (struct emit_value[COLUMNS]){
		[PID] = emit_number(p->pid), [NAME] = emit_words(p->name), [COMMAND_LINE] = emit_words(command_line),
		[STATUS] = metadata_status(p), [SIGNAL] = metadata_signal(p), [SHOWN_PID] = emit_number(p->pid),
		[SHOWN_NAME] = emit_words(p->name), [ALLOCATIONS] = emit_count(t->allocations), [FREES] = emit_count(t->frees),
		[ALLOCATED] = emit_size(t->bytes_allocated), [PEAK] = emit_size(t->peak_bytes), [NOT_FREED] = emit_size(t->live_bytes),
		[TEMPORARY] = emit_count(t->temporary) });
	describe_totals(e, r->view.sample_bytes, t);
	emit_end(e);
	free(command_line);
	return 0;
}

/* People see them when there are several. */
static int describe_processes(const struct report *r, struct emit *e)
{
	static const struct emit_column columns[COLUMNS] = {
		[PID] = { "pid" }, [NAME] = { "name" }, [COMMAND_LINE] = { "command_line" }, [STATUS] = { "status" }, [SIGNAL] = { "signal" },
		[SHOWN_PID] = { "shown_pid", EMIT_FOR_PEOPLE, "pid", 8 },
		[SHOWN_NAME] = { "shown_name", EMIT_FOR_PEOPLE, "name", -16 },
		[ALLOCATIONS] = { "allocations", EMIT_FOR_PEOPLE, "allocations", 13 },
		[FREES] = { "frees", EMIT_FOR_PEOPLE, "frees", 13 },
		[ALLOCATED] = { "allocated", EMIT_FOR_PEOPLE, "allocated", 11 },
		[PEAK] = { "peak", EMIT_FOR_PEOPLE, "peak", 11 },
		[NOT_FREED] = { "not_freed", EMIT_FOR_PEOPLE, "not freed", 11 },
		[TEMPORARY] = { "temporary", EMIT_FOR_PEOPLE, "temporary", 10 },
	};
	static const struct emit_table several = { EMIT_TABLE("processes", columns), .before = "\t", .fixed_widths = true },
				       one = { EMIT_TABLE("processes", columns), .sentence = "" };
	const uint32_t all = r->capture->process_count;
	const bool shown = all > 1 && r->process == UINT32_MAX;
	int err = 0;

	if (shown)
		emit_say(e, "Processes:\n");
	emit_table(e, shown ? &several : &one);
	for (uint32_t p = 0; p < all && !err; p++)
		if (r->process == UINT32_MAX || r->process == p)
			err = describe_process(r, e, p);
	emit_end(e);
	if (shown)
		emit_say(e, "\n");
	return err;
}

/* ---- sizes, kinds, places ---- */

static const char *bar_of(uint64_t count, uint64_t most, char bar[BAR_LONGEST * 3 + 1])
{
	const int length = most ? (int)ceil((double)count / (double)most * BAR_LONGEST) : 0;
	const char *const block = ui_utf8() ? "\xe2\x96\x87" : "#";
	char *at = bar;

	for (int i = 0; i < length; i++)
		at = stpcpy(at, block);
	*at = '\0';
	return bar;
}

static void describe_histogram(const struct view *v, struct emit *e)
{
	enum { MIN, MAX, COUNT, SIGN, BOUND, SHOWN_COUNT, BAR, HISTOGRAM_COLUMNS };
	static const struct emit_column columns[] = {
		{ "min_bytes" }, { "max_bytes" }, { "count" }, { "sign", EMIT_FOR_PEOPLE, "", -2 }, { "bound", EMIT_FOR_PEOPLE, "", -9 },
		{ "shown_count", EMIT_FOR_PEOPLE, "", 1, ": " }, { "bar", EMIT_FOR_PEOPLE, "", -1 },
	};
	static const struct emit_table table = {
		EMIT_TABLE("allocation_size_histogram", columns), .before = "\t", .no_headings = true,
	};
	char bar[BAR_LONGEST * 3 + 1];
	uint64_t min = 0, most = 0;

	emit_aside(e, "smallest", emit_size(v->size_count ? v->sizes[0].size : 0));
	emit_aside(e, "largest", emit_size(v->size_count ? v->sizes[v->size_count - 1].size : 0));
	emit_say(e, found.has_bins ? "Histogram of allocation size:\n\tmin: {smallest}\n" :
				     "Histogram of allocation size:\n\t<no data for histogram>\n\n");
	for (size_t i = 0; i < BINS; i++)
		most = found.bins[i].count > most ? found.bins[i].count : most;
	emit_table(e, &table);
	for (size_t i = 0; found.has_bins && i < BINS; i++) {
		const struct bin *const b = &found.bins[i];
		const bool last = i == BINS - 1;

		if (!last && b->bound <= min) /* sizes lie close together, or are all alike: it has none of its own */
			continue;
		emit_row(e, (struct emit_value[HISTOGRAM_COLUMNS]){
			[MIN] = emit_size(min), [MAX] = emit_size(last ? b->bound : b->bound - 1), [COUNT] = emit_count(b->count),
			[SIGN] = emit_words(last ? "<=" : "<"), [BOUND] = emit_size(b->bound), [SHOWN_COUNT] = emit_count(b->count),
			[BAR] = emit_words(bar_of(b->count, most, bar)) });
		min = b->bound;
	}
	emit_end(e);
	if (found.has_bins)
		emit_say(e, "\tmax: {largest}\n\n");
}

/* For people only with --buckets, and then nothing else. */
static void describe_buckets(struct emit *e)
{
	enum { MAX, COUNT, SIGN, BOUND, UNIT, BUCKET_COLUMNS };
	static const struct emit_column columns[] = {
		{ "max_bytes" }, { "count" }, { "sign", EMIT_FOR_PEOPLE }, { "bound", EMIT_FOR_PEOPLE }, { "unit", EMIT_FOR_PEOPLE },
	};
	const struct emit_table table = {
		EMIT_TABLE("buckets", columns), .sentence = only_buckets ? "{sign} {bound} {unit}: {count:n}\n" : "",
	};

	emit_table(e, &table);
	for (size_t b = 0; b < BUCKETS; b++) {
		const bool last = b == BUCKETS - 1;
		const uint64_t bound = (uint64_t)BUCKET_SMALLEST << (last ? b - 1 : b);

		emit_row(e, (struct emit_value[BUCKET_COLUMNS]){
			[MAX] = last ? emit_null() : emit_size(bound), [COUNT] = emit_count(found.buckets[b]),
			[SIGN] = emit_words(last ? ">" : "<="), [BOUND] = emit_number(bound < 1024 ? bound : bound / 1024),
			[UNIT] = emit_words(bound < 1024 ? "B" : "KiB") });
	}
	emit_end(e);
}

static void describe_kinds(const struct heap_totals *t, struct emit *e)
{
	struct kind_figure kinds[TRK_KINDS];
	const size_t n = sort_kinds(t, kinds);

	emit_say(e, "Allocator type distribution:\n");
	emit_group(e, "allocator_type_distribution");
	for (size_t i = 0; i < n; i++)
		emit_line(e, "\t", kinds[i].name, emit_count(kinds[i].count));
	emit_end(e);
	emit_say(e, "\n");
}

static void describe_top(struct emit *e, const char *what, struct sums *sums, bool bytes)
{
	char key[48], noun[16];
	const struct emit_column columns[] = { { noun }, { bytes ? "size" : "count" }, { "figure", EMIT_FOR_PEOPLE }, { "key", EMIT_FOR_PEOPLE } };
	const struct emit_table table = { EMIT_TABLE(key, columns), .sentence = "\t- {key} -> {figure}\n" };

	snprintf(noun, sizeof(noun), "%s", what);
	snprintf(key, sizeof(key), "top_%s_by_%s", strcmp(what, "module") ? "allocations" : "modules", bytes ? "size" : "count");
	(bytes ? sums_sort_by_bytes : sums_sort_by_count)(sums);
	emit_aside(e, "limit", emit_number(largest));
	emit_aside(e, "noun", emit_words(noun));
	emit_aside(e, "by", emit_words(bytes ? "size" : "number of allocations"));
	emit_say(e, "Top {limit} largest allocating {noun}s (by {by}):\n");
	emit_table(e, &table);
	for (size_t i = 0; i < sums->count && i < largest; i++) {
		const struct sum *const s = &sums->items[i];
		const struct emit_value figure = bytes ? emit_size(s->bytes) : emit_count(s->count);

		emit_row(e, (struct emit_value[]){ emit_words(s->key), figure, figure, emit_words(s->key) });
	}
	emit_end(e);
	emit_say(e, "\n");
}

/* ---- the whole ---- */

/* How programs ended is part of the answer, not a fault of the capture. */
static void say_ends(const struct report *r, struct emit *e)
{
	const struct capture *c = r->capture;
	bool any = false;

	for (uint32_t i = 0; i < c->process_count; i++) {
		const struct cap_process *p = &c->processes[i];

		if (p->ended != 2 || (r->process != UINT32_MAX && r->process != i))
			continue;
		emit_aside(e, "program", emit_words(p->name[0] ? p->name : "program"));
		emit_aside(e, "pid", emit_number(p->pid));
		emit_aside(e, "signal", emit_words(sigabbrev_np((int)p->code) ? sigabbrev_np((int)p->code) : "?"));
		emit_aside(e, "end", emit_tenths(p->end_ns));
		emit_say(e, "{program} ({pid}) was killed by SIG{signal} at {end}\n");
		any = true;
	}
	if (any)
		emit_say(e, "\n");
}

/* What is counted, when that is not the whole capture. */
static void say_part(const struct report *r, struct emit *e)
{
	char name[700];

	if (region)
		emit_say(e, "Region: {region}\n");
	if (r->asked.spanned) {
		emit_aside(e, "word", emit_words(r->asked.at.is_range ? "Allocated in" : "Until"));
		emit_aside(e, "where", emit_words(choice_point(&r->asked.at, name, sizeof(name))));
		emit_say(e, "{word}: {where} ({point.time_ns})\n");
	}
	if (region || r->asked.spanned)
		emit_say(e, "\n");
}

static void describe_head(const struct report *r, struct emit *e)
{
	emit_figure(e, "capture", emit_words(r->capture->path));
	if (r->asked.spanned)
		choice_figures(e, "point", &r->asked, &r->view);
	if (region)
		emit_figure(e, "region", emit_words(region));
	sampled_figure(e, r->view.sample_bytes);
	describe_totals(e, r->view.sample_bytes, &r->view.totals);
	emit_figure(e, "events", emit_count(r->view.events));
	domains_figures(&r->domains, e);
}

static void say_head(const struct report *r, struct emit *e)
{
	say_ends(r, e);
	say_part(r, e);
	sampled_say(e, &r->view, &r->asked);
	say_totals(e, &r->view.totals);
}

static void say_domains(const struct report *r, struct emit *e)
{
	if (r->domains.count < 2)
		return;
	emit_say(e, "Domains:\n");
	domains_say(&r->domains, e, "\t", "allocation");
	emit_say(e, "\n");
}

static int describe(struct report *r, struct emit *e)
{
	int err;

	if (only_buckets && emit_people(e)) {
		describe_buckets(e);
		return 0;
	}
	describe_head(r, e);
	say_head(r, e);
	err = describe_processes(r, e);
	say_domains(r, e);
	describe_histogram(&r->view, e);
	describe_buckets(e);
	describe_kinds(&r->view.totals, e);
	describe_top(e, "location", &found.locations, true);
	describe_top(e, "location", &found.locations, false);
	describe_top(e, "module", &found.modules, true);
	describe_top(e, "module", &found.modules, false);
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
	ui_exclude("--buckets", only_buckets, "--num-largest", largest != 0);
	ui_exclude("--buckets", only_buckets, "--no-skip", common.no_skip);
	ui_exclude("--buckets", only_buckets, "--skip-frame", common.skip_frames.count != 0);
	(void)r;
	if (!largest)
		largest = TOP_DEFAULT;
}

static void ask(struct report *r)
{
	r->nameless = only_buckets;
	r->asked = (struct view_options){
		.what = VIEW_ALLOCATIONS, .sizes = true, .process = r->process, .at = r->at, .spanned = !choice_is_whole(r),
		.region = region,
	};
}

static void finish(void)
{
	sums_finish(&found.locations);
	sums_finish(&found.modules);
}

int main(int argc, char **argv)
{
	static const struct report_kind kind = {
		.command = &command, .schema = "tracker.stats", .common = &common, .check = check, .ask = ask, .find = find,
		.describe = describe, .finish = finish,
	};

	return report_main(&kind, argc, argv);
}
