/*
 * tracker-stats - totals, sizes, kinds and the locations that allocate most:
 * memray's stats for any program, in one pass over the events.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "choice.h"
#include "domains.h"
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

struct stats {
	struct report report;
	struct view view;
	struct domains domains;
	struct sums locations, modules;
	struct bin bins[BINS];
	bool has_bins;
	uint64_t buckets[BUCKETS];
	struct view_options asked;
};

/* ---- figures ---- */

/* memray's: BINS steps of equal ratio from the smallest size that is not 0 to the largest. */
static void bound_bins(struct stats *s)
{
	const struct view *v = &s->view;
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
static void fill_bins(struct stats *s)
{
	const struct view *v = &s->view;
	size_t bin = 0;

	if (v->size_count == 0)
		return;
	s->has_bins = true;
	bound_bins(s);
	for (size_t i = 0; i < v->size_count; i++) {
		while (bin < BINS - 1 && v->sizes[i].size >= s->bins[bin].bound)
			bin++;
		s->bins[bin].count += v->sizes[i].count;
	}
}

/* Sizes that lie close together, or are all alike, leave bins without a size of their own. */
static bool has_sizes(const struct stats *s, size_t bin)
{
	return bin == BINS - 1 || s->bins[bin].bound > (bin ? s->bins[bin - 1].bound : 0);
}

/* Of sizes up to 16 B, 32 B ... 256 KiB, and of all larger ones. */
static void fill_buckets(struct stats *s)
{
	for (size_t i = 0; i < s->view.size_count; i++) {
		size_t b = 0;

		while (b < BUCKETS - 1 && s->view.sizes[i].size > (uint64_t)BUCKET_SMALLEST << b)
			b++;
		s->buckets[b] += s->view.sizes[i].count;
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

static size_t shown(const struct stats *s, const struct sums *sums)
{
	return largest < sums->count ? (size_t)largest : sums->count;
}

/* ---- text ---- */

static const char *size_of(uint64_t bytes)
{
	static char text[4][32]; /* so many in one printf */
	static unsigned next;

	next = (next + 1) % 4;
	if (bytes > INT64_MAX) /* only a hostile capture */
		bytes = INT64_MAX;
	return ui_size(text[next], sizeof(text[next]), (int64_t)bytes, false);
}

static const char *count_of(uint64_t n)
{
	static char text[4][32];
	static unsigned next;

	next = (next + 1) % 4;
	return ui_count(text[next], sizeof(text[next]), n);
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* How far off the totals of a sampled capture may be. */
struct margins {
	struct sampled_margin allocated, freed, peak, live, temporary;
};

static struct margins margins_of(uint64_t every, const struct heap_totals *t)
{
	const double turns = heap_turns(t);

	return (struct margins){
		.allocated = sampled_margin(every, &t->allocated_error),
		.freed = sampled_margin(every, &t->freed_error),
		.peak = { sampling_peak_bytes_margin(every, &t->peak_error, turns),
			  sampling_peak_count_margin(every, &t->peak_error, turns) },
		.live = sampled_margin(every, &t->live_error),
		.temporary = sampled_margin(every, &t->temporary_error),
	};
}

/* With its margin, when there is one. */
static void print_size(FILE *f, uint64_t every, uint64_t bytes, uint64_t margin)
{
	char text[48];

	fprintf(f, "%s%s", size_of(bytes), sampled_size(text, every, margin));
}

static void print_number(FILE *f, uint64_t every, uint64_t n, uint64_t margin)
{
	char text[48];

	fprintf(f, "%s%s", count_of(n), sampled_count(text, every, margin));
}

static void print_totals(const struct stats *s, FILE *f)
{
	const struct heap_totals *t = &s->view.totals;
	const uint64_t every = s->view.sample_bytes;
	const struct margins m = margins_of(every, t);

	fputs("Total allocations:\n\t", f);
	print_number(f, every, t->allocations, m.allocated.count);
	fputs("\n\nTotal frees:\n\t", f);
	print_number(f, every, t->frees, m.freed.count);
	fputs("\n\nTotal memory allocated:\n\t", f);
	print_size(f, every, t->bytes_allocated, m.allocated.bytes);
	fputs("\n\nPeak memory usage:\n\t", f);
	print_size(f, every, t->peak_bytes, m.peak.bytes);
	fputs(" in ", f);
	print_number(f, every, t->peak_blocks, m.peak.count);
	fprintf(f, " block%s at %.3f s\n\n", plural(t->peak_blocks), (double)t->peak_time_ns / 1e9);
	reserved_print(f, t->most_reserved_bytes, t->most_reserved_mappings, "\n\n");
	/* not "leaked": what runtimes keep on purpose is among it */
	fputs("Not freed:\n\t", f);
	print_size(f, every, t->live_bytes, m.live.bytes);
	fputs(" in ", f);
	print_number(f, every, t->live_blocks, m.live.count);
	fprintf(f, " block%s\n\nTemporary allocations:\n\t", plural(t->live_blocks));
	print_number(f, every, t->temporary, m.temporary.count);
	fputs(" (", f);
	print_size(f, every, t->temporary_bytes, m.temporary.bytes);
	fputs(")\n\n", f);
}

static void print_bar(FILE *f, uint64_t count, uint64_t most)
{
	const int length = most ? (int)ceil((double)count / (double)most * BAR_LONGEST) : 0;

	if (length)
		fputc(' ', f);
	for (int i = 0; i < length; i++)
		fputs(ui_utf8() ? "▇" : "#", f);
}

static void print_histogram(const struct stats *s, FILE *f)
{
	uint64_t most = 0;

	fputs("Histogram of allocation size:\n", f);
	if (!s->has_bins) {
		fputs("\t<no data for histogram>\n\n", f);
		return;
	}
	for (size_t i = 0; i < BINS; i++)
		most = s->bins[i].count > most ? s->bins[i].count : most;
	fprintf(f, "\tmin: %s\n", size_of(s->view.sizes[0].size));
	for (size_t i = 0; i < BINS; i++) {
		if (!has_sizes(s, i))
			continue;
		fprintf(f, "\t%-2s %-9s: %*s", i == BINS - 1 ? "<=" : "<",
			size_of(s->bins[i].bound), (int)strlen(count_of(most)),
			count_of(s->bins[i].count));
		print_bar(f, s->bins[i].count, most);
		fputc('\n', f);
	}
	fprintf(f, "\tmax: %s\n\n", size_of(s->view.sizes[s->view.size_count - 1].size));
}

static void print_kinds(const struct stats *s, FILE *f)
{
	struct kind_figure kinds[TRK_KINDS];
	const size_t n = sort_kinds(&s->view.totals, kinds);

	fputs("Allocator type distribution:\n", f);
	for (size_t i = 0; i < n; i++)
		fprintf(f, "\t%s: %s\n", kinds[i].name, count_of(kinds[i].count));
	fputc('\n', f);
}

/* One line per process, when there are several. */
static void print_processes(const struct stats *s, FILE *f)
{
	const struct capture *c = s->report.capture;

	if (c->process_count < 2 || s->report.process != UINT32_MAX)
		return;
	fprintf(f, "Processes:\n\t%8s %-16s %13s %13s %11s %11s %11s %10s\n", "pid", "name",
		"allocations", "frees", "allocated", "peak", "not freed", "temporary");
	for (uint32_t p = 0; p < c->process_count; p++) {
		const struct heap_totals *t = process_totals_get(&s->view.process_totals, p);

		fprintf(f, "\t%8" PRIu32 " ", c->processes[p].pid);
		ui_text(f, c->processes[p].name);
		fprintf(f, "%*s %13s %13s %11s %11s %11s %10s\n",
			(int)(strlen(c->processes[p].name) < 16 ? 16 - strlen(c->processes[p].name) :
								  0),
			"", count_of(t->allocations), count_of(t->frees),
			size_of(t->bytes_allocated), size_of(t->peak_bytes), size_of(t->live_bytes),
			count_of(t->temporary));
	}
	fputc('\n', f);
}

static void print_domains(const struct stats *s, FILE *f)
{
	if (s->domains.count < 2)
		return;
	fputs("Domains:\n", f);
	domains_print(&s->domains, f, "\t", "allocation");
	fputc('\n', f);
}

static void print_top(struct stats *s, FILE *f, const char *what, struct sums *sums, bool bytes)
{
	const size_t n = shown(s, sums);

	fprintf(f, "Top %" PRIu64 " %s (by %s):\n", largest, what,
		bytes ? "size" : "number of allocations");
	if (bytes)
		sums_sort_by_bytes(sums);
	else
		sums_sort_by_count(sums);
	for (size_t i = 0; i < n; i++) {
		fputs("\t- ", f);
		ui_text(f, sums->items[i].key);
		fprintf(f, " -> %s\n",
			bytes ? size_of(sums->items[i].bytes) : count_of(sums->items[i].count));
	}
	fputc('\n', f);
}

/* How programs ended is part of the answer, not a fault of the capture. */
static void print_ends(const struct stats *s, FILE *f)
{
	const struct capture *c = s->report.capture;
	bool any = false;

	for (uint32_t i = 0; i < c->process_count; i++) {
		const struct cap_process *p = &c->processes[i];

		if (p->ended != 2 || (s->report.process != UINT32_MAX && s->report.process != i))
			continue;
		ui_text(f, p->name[0] ? p->name : "program");
		fprintf(f, " (%" PRIu32 ") was killed by SIG%s at %.1f s\n", p->pid,
			sigabbrev_np((int)p->code) ? sigabbrev_np((int)p->code) : "?",
			(double)p->end_ns / 1e9);
		any = true;
	}
	if (any)
		fputc('\n', f);
}

/* What is counted, when that is not the whole capture. */
static void print_part(const struct stats *s, FILE *f)
{
	char name[700];

	if (!region && !s->asked.spanned)
		return;
	if (region) {
		fputs("Region: ", f);
		ui_text(f, region);
		fputc('\n', f);
	}
	if (s->asked.spanned) {
		fputs(s->asked.at.is_range ? "Allocated in: " : "Until: ", f);
		ui_text(f, choice_point(&s->asked.at, name, sizeof(name)));
		fprintf(f, " (%.3f s)\n", (double)s->view.time_ns / 1e9);
	}
	fputc('\n', f);
}

static void print_text(struct stats *s, FILE *f)
{
	print_ends(s, f);
	print_part(s, f);
	sampled_print(f, &s->view, &s->asked);
	print_totals(s, f);
	print_processes(s, f);
	print_domains(s, f);
	print_histogram(s, f);
	print_kinds(s, f);
	print_top(s, f, "largest allocating locations", &s->locations, true);
	print_top(s, f, "largest allocating locations", &s->locations, false);
	print_top(s, f, "largest allocating modules", &s->modules, true);
	print_top(s, f, "largest allocating modules", &s->modules, false);
}

static void print_buckets(const struct stats *s, FILE *f)
{
	for (size_t b = 0; b < BUCKETS; b++) {
		const bool last = b == BUCKETS - 1;
		const uint64_t bound = (uint64_t)BUCKET_SMALLEST << (last ? b - 1 : b);

		fprintf(f, "%s %" PRIu64 " %s: %" PRIu64 "\n", last ? ">" : "<=",
			bound < 1024 ? bound : bound / 1024, bound < 1024 ? "B" : "KiB",
			s->buckets[b]);
	}
}

/* ---- --json ---- */

static void json_histogram(const struct stats *s, struct ui_json *j)
{
	uint64_t min = 0;

	ui_json_array(j, "allocation_size_histogram");
	for (size_t i = 0; s->has_bins && i < BINS; i++) {
		const bool last = i == BINS - 1;
		const uint64_t bound = s->bins[i].bound;

		if (!has_sizes(s, i))
			continue;
		ui_json_object(j, NULL);
		ui_json_uint(j, "min_bytes", min);
		ui_json_uint(j, "max_bytes", last ? bound : bound - 1);
		ui_json_uint(j, "count", s->bins[i].count);
		ui_json_end(j);
		min = bound;
	}
	ui_json_end(j);
}

static void json_buckets(const struct stats *s, struct ui_json *j)
{
	ui_json_array(j, "buckets");
	for (size_t b = 0; b < BUCKETS; b++) {
		ui_json_object(j, NULL);
		if (b == BUCKETS - 1)
			ui_json_null(j, "max_bytes");
		else
			ui_json_uint(j, "max_bytes", (uint64_t)BUCKET_SMALLEST << b);
		ui_json_uint(j, "count", s->buckets[b]);
		ui_json_end(j);
	}
	ui_json_end(j);
}

static void json_top(const struct stats *s, struct ui_json *j, const char *key, const char *name,
		     struct sums *sums, bool bytes)
{
	if (bytes)
		sums_sort_by_bytes(sums);
	else
		sums_sort_by_count(sums);
	ui_json_array(j, key);
	for (size_t i = 0; i < shown(s, sums); i++) {
		ui_json_object(j, NULL);
		ui_json_string(j, name, sums->items[i].key);
		ui_json_uint(j, bytes ? "size" : "count",
			     bytes ? sums->items[i].bytes : sums->items[i].count);
		ui_json_end(j);
	}
	ui_json_end(j);
}

static void json_margins(struct ui_json *j, uint64_t every, const struct heap_totals *t)
{
	const struct margins m = margins_of(every, t);

	sampled_json_margin(j, "total_num_allocations", every, m.allocated.count);
	sampled_json_margin(j, "total_bytes_allocated", every, m.allocated.bytes);
	sampled_json_margin(j, "total_num_frees", every, m.freed.count);
	sampled_json_margin(j, "total_bytes_freed", every, m.freed.bytes);
	sampled_json_margin(j, "leaked_allocations", every, m.live.count);
	sampled_json_margin(j, "leaked_bytes", every, m.live.bytes);
	sampled_json_margin(j, "temporary_allocations", every, m.temporary.count);
	sampled_json_margin(j, "temporary_bytes", every, m.temporary.bytes);
	sampled_json_margin(j, "peak_memory", every, m.peak.bytes);
	sampled_json_margin(j, "peak_blocks", every, m.peak.count);
}

static void json_totals(struct ui_json *j, const struct stats *s, const struct heap_totals *t)
{
	ui_json_uint(j, "total_num_allocations", t->allocations);
	ui_json_uint(j, "total_bytes_allocated", t->bytes_allocated);
	ui_json_uint(j, "total_num_frees", t->frees);
	ui_json_uint(j, "total_bytes_freed", t->bytes_freed);
	ui_json_uint(j, "unmatched_frees", t->unmatched_frees);
	ui_json_uint(j, "leaked_allocations", t->live_blocks);
	ui_json_uint(j, "leaked_bytes", t->live_bytes);
	ui_json_uint(j, "temporary_allocations", t->temporary);
	ui_json_uint(j, "temporary_bytes", t->temporary_bytes);
	ui_json_uint(j, "peak_memory", t->peak_bytes);
	ui_json_uint(j, "peak_blocks", t->peak_blocks);
	ui_json_uint(j, "peak_time_ns", t->peak_time_ns);
	reserved_json(j, t);
	ui_json_uint(j, "lost_events", t->lost);
	ui_json_uint(j, "overwritten", t->overwritten);
	ui_json_uint(j, "wiped_by_exec", t->wiped_blocks);
	json_margins(j, s->view.sample_bytes, t);
}

static int json_processes(const struct stats *s, struct ui_json *j)
{
	const struct capture *c = s->report.capture;
	int err = 0;

	ui_json_array(j, "processes");
	for (uint32_t p = 0; p < c->process_count && !err; p++) {
		char *command_line;

		if (s->report.process != UINT32_MAX && s->report.process != p)
			continue;
		command_line = metadata_command_line(&c->processes[p]);
		err = command_line ? 0 : TRK_ERR_NOMEM;
		ui_json_object(j, NULL);
		ui_json_uint(j, "pid", c->processes[p].pid);
		ui_json_string(j, "name", c->processes[p].name);
		ui_json_string(j, "command_line", command_line);
		metadata_ended(j, &c->processes[p]);
		json_totals(j, s, process_totals_get(&s->view.process_totals, p));
		ui_json_end(j);
		free(command_line);
	}
	ui_json_end(j);
	return err;
}

static int print_json(struct stats *s, FILE *f)
{
	struct kind_figure kinds[TRK_KINDS];
	const size_t n = sort_kinds(&s->view.totals, kinds);
	struct ui_json j;
	int err;

	ui_json_init(&j, f, false);
	ui_json_begin_report(&j, "tracker.stats", 1);
	ui_json_string(&j, "capture", s->report.capture->path);
	if (s->asked.spanned)
		choice_json(&j, "point", &s->asked, &s->view);
	if (region)
		ui_json_string(&j, "region", region);
	sampled_json(&j, s->view.sample_bytes);
	json_totals(&j, s, &s->view.totals);
	ui_json_uint(&j, "events", s->view.events);
	domains_json(&s->domains, &j);
	json_histogram(s, &j);
	json_buckets(s, &j);
	ui_json_object(&j, "allocator_type_distribution");
	for (size_t i = 0; i < n; i++)
		ui_json_uint(&j, kinds[i].name, kinds[i].count);
	ui_json_end(&j);
	json_top(s, &j, "top_allocations_by_size", "location", &s->locations, true);
	json_top(s, &j, "top_allocations_by_count", "location", &s->locations, false);
	json_top(s, &j, "top_modules_by_size", "module", &s->modules, true);
	json_top(s, &j, "top_modules_by_count", "module", &s->modules, false);
	err = json_processes(s, &j);
	if (!err)
		err = metadata_json(&j, "metadata", &s->report, &s->view.totals);
	report_json(&j, &s->report);
	ui_json_end(&j);
	return err;
}

/* ---- the whole ---- */

/* Buckets know sizes, no stacks. */
static void check_usage(void)
{
	ui_exclude("--buckets", only_buckets, "--num-largest", largest != 0);
	ui_exclude("--buckets", only_buckets, "--no-skip", common.no_skip);
	ui_exclude("--buckets", only_buckets, "--skip-frame", common.skip_frames.count != 0);
	if (!largest)
		largest = TOP_DEFAULT;
}

static int gather(struct stats *s, const char *operand)
{
	int status = report_open(&s->report, operand, &common);

	if (!status)
		status = report_stacks(&s->report, &common);
	s->asked = (struct view_options){
		.what = VIEW_ALLOCATIONS, .sizes = true, .process = s->report.process,
		.at = s->report.at, .spanned = !choice_is_whole(&s->report), .region = region,
	};
	if (!status)
		status = report_view(&s->report, &s->asked, &s->view);
	if (status)
		return status;
	fill_bins(s);
	fill_buckets(s);
	if (only_buckets)
		return UI_OK;
	report_unnamed(&s->report, &s->view, NULL);
	if (domains_sum(&s->domains, &s->view, NULL, NULL) == 0 &&
	    sums_of_view(&s->view, s->report.stacks, &s->locations, &s->modules) == 0)
		return UI_OK;
	ui_error("out of memory");
	return UI_CANNOT;
}

static int write_report(struct stats *s, FILE *f)
{
	if (common.json)
		return print_json(s, f);
	if (only_buckets)
		print_buckets(s, f);
	else
		print_text(s, f);
	return 0;
}

int main(int argc, char **argv)
{
	const int first = ui_parse(&command, argc, argv, false);
	struct stats s = { 0 };
	struct ui_output out;

	check_usage();
	int status = ui_output_open(&out, common.output, common.force);

	if (!status) {
		status = gather(&s, argv[first]);
		if (!status && write_report(&s, out.file) != 0) {
			ui_error("out of memory");
			status = UI_CANNOT;
		}
		if (!status)
			status = ui_output_close(&out);
		else
			ui_output_discard(&out);
	}
	domains_finish(&s.domains);
	sums_finish(&s.locations);
	sums_finish(&s.modules);
	view_finish(&s.view);
	report_close(&s.report);
	return status;
}
