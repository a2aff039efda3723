/* histogram - see histogram.h. */
#include "common/histogram.h"

#include <math.h>
#include <string.h>

#define BAR_LONGEST 25

/* memray's: HISTOGRAM_BINS steps of equal ratio from the smallest size that is not 0 to the largest. */
static void bound_bins(struct histogram *h, const struct view *v)
{
	const uint64_t largest_size = v->sizes[v->size_count - 1].size;
	const double low = log((double)v->sizes[v->sizes[0].size == 0 && v->size_count > 1].size);
	const double step = (log((double)largest_size) - low) / HISTOGRAM_BINS;

	for (size_t i = 0; i < HISTOGRAM_BINS; i++) {
		const double bound = largest_size ? exp(low + step * (double)(i + 1)) : 0;

		h->bins[i].bound = bound < (double)largest_size ? (uint64_t)bound : largest_size;
	}
	h->bins[HISTOGRAM_BINS - 1].bound = largest_size;
}

/* The bounds are whole bytes, and decide: a bin holds what its line says. */
static void fill_bins(struct histogram *h, const struct view *v)
{
	size_t bin = 0;

	if (v->size_count == 0)
		return;
	h->has_bins = true;
	bound_bins(h, v);
	for (size_t i = 0; i < v->size_count; i++) {
		while (bin < HISTOGRAM_BINS - 1 && v->sizes[i].size >= h->bins[bin].bound)
			bin++;
		h->bins[bin].count += v->sizes[i].count;
	}
}

/* Of sizes up to 16 B, 32 B ... 256 KiB, and of all larger ones. */
static void fill_buckets(struct histogram *h, const struct view *v)
{
	for (size_t i = 0; i < v->size_count; i++)
		h->buckets[bucket_of(v->sizes[i].size)] += v->sizes[i].count;
}

void histogram_fill(struct histogram *h, const struct view *v)
{
	fill_bins(h, v);
	fill_buckets(h, v);
}

/* ---- what is said of it ---- */

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

void histogram_describe(const struct histogram *h, const struct view *v, struct emit *e)
{
	enum {
		MIN,
		MAX,
		COUNT,
		SIGN,
		BOUND,
		SHOWN_COUNT,
		BAR,
		HISTOGRAM_COLUMNS,
	};
	static const struct emit_column columns[] = {
		{ "min_bytes" },
		{ "max_bytes" },
		{ "count" },
		{ "sign", EMIT_FOR_PEOPLE, "", -2 },
		{ "bound", EMIT_FOR_PEOPLE, "", -9 },
		{ "shown_count", EMIT_FOR_PEOPLE, "", 1, ": " },
		{ "bar", EMIT_FOR_PEOPLE, "", -1 },
	};
	static const struct emit_table table = {
		EMIT_TABLE("allocation_size_histogram", columns),
		.before = "\t",
		.no_headings = true,
	};
	char bar[BAR_LONGEST * 3 + 1];
	uint64_t min = 0, most = 0;

	emit_aside(e, "smallest", emit_size(v->size_count ? v->sizes[0].size : 0));
	emit_aside(e, "largest", emit_size(v->size_count ? v->sizes[v->size_count - 1].size : 0));
	emit_say(e, h->has_bins ? "Histogram of allocation size, from {smallest} to {largest}:\n" :
				  "Histogram of allocation size:\n\t<no data for histogram>\n");
	for (size_t i = 0; i < HISTOGRAM_BINS; i++)
		most = h->bins[i].count > most ? h->bins[i].count : most;
	emit_table(e, &table);
	for (size_t i = 0; h->has_bins && i < HISTOGRAM_BINS; i++) {
		const struct histogram_bin *const b = &h->bins[i];
		const bool last = i == HISTOGRAM_BINS - 1;

		if (!last && b->bound <= min) /* sizes lie close together, or are all alike: it has none of its own */
			continue;

		const struct emit_value values[HISTOGRAM_COLUMNS] = {
			[MIN] = emit_size(min),
			[MAX] = emit_size(last ? b->bound : b->bound - 1),
			[COUNT] = emit_count(b->count),
			[SIGN] = emit_words(last ? "<=" : "<"),
			[BOUND] = emit_size(b->bound),
			[SHOWN_COUNT] = emit_count(b->count),
			[BAR] = emit_words(bar_of(b->count, most, bar)),
		};

		emit_row(e, values);
		min = b->bound;
	}
	emit_end(e);
}

void histogram_describe_buckets(const struct histogram *h, struct emit *e, bool for_people)
{
	enum {
		MAX,
		COUNT,
		SIGN,
		BOUND,
		UNIT,
		BUCKET_COLUMNS,
	};
	static const struct emit_column columns[] = {
		{ "max_bytes" },
		{ "count" },
		{ "sign", EMIT_FOR_PEOPLE },
		{ "bound", EMIT_FOR_PEOPLE },
		{ "unit", EMIT_FOR_PEOPLE },
	};
	const struct emit_table table = {
		EMIT_TABLE("buckets", columns),
		.sentence = for_people ? "{sign} {bound} {unit}: {count:n}\n" : "",
	};

	emit_table(e, &table);
	for (size_t b = 0; b < BUCKETS; b++) {
		const bool last = b == BUCKETS - 1;
		const uint64_t bound = (uint64_t)BUCKET_BLOCK_BYTES << (last ? b - 1 : b);

		const struct emit_value values[BUCKET_COLUMNS] = {
			[MAX] = last ? emit_null() : emit_size(bound),
			[COUNT] = emit_count(h->buckets[b]),
			[SIGN] = emit_words(last ? ">" : "<="),
			[BOUND] = emit_number(bound < 1024 ? bound : bound / 1024),
			[UNIT] = emit_words(bound < 1024 ? "B" : "KiB"),
		};

		emit_row(e, values);
	}
	emit_end(e);
}
