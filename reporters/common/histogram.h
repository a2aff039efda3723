/*
 * histogram - how many allocations had which size, in memray's ten bins, or by powers of two.
 */
#ifndef REPORTERS_HISTOGRAM_H
#define REPORTERS_HISTOGRAM_H

#include "format/bucket.h"
#include "replay/view.h"
#include "ui/emit.h"

#define HISTOGRAM_BINS 10

struct histogram_bin {
	uint64_t bound; /* sizes below it; of the last one: the largest size */
	uint64_t count;
};

struct histogram {
	struct histogram_bin bins[HISTOGRAM_BINS];
	bool has_bins;
	uint64_t buckets[BUCKETS];
};

/* v: with its sizes. */
void histogram_fill(struct histogram *h, const struct view *v);
void histogram_describe(const struct histogram *h, const struct view *v, struct emit *e);
/* "buckets"; for people only when they ask for them. */
void histogram_describe_buckets(const struct histogram *h, struct emit *e, bool for_people);

#endif
