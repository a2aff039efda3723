/*
 * sampling - what the blocks of a sampled capture stand for, and how far off their sums may be.
 *
 * A program that is recorded every B bytes counts the bytes that it asks for; the blocks in
 * which the points of a Poisson process of mean distance B fall are in the capture, each with
 * probability p = 1 - exp(-size / B) (a block of no bytes counts as one byte). A block with
 * p stands for 1 / p blocks of its size (Horvitz and Thompson): the sums over the capture
 * are unbiased, whatever the sizes. Sums are integers, so what a block stands for is rounded,
 * up with the probability of its fraction, by a hash: the same in every replay.
 */
#ifndef REPLAY_SAMPLING_H
#define REPLAY_SAMPLING_H

#include <stdint.h>

struct sampling_estimate {
	uint64_t bytes, count; /* count: at least 1 */
	double bytes_variance, count_variance;
};

/* B: sample_bytes, not 0; seed: differs between blocks, for the rounding. */
void sampling_estimate(uint64_t sample_bytes, uint64_t size, uint64_t seed,
		       struct sampling_estimate *ret);

/* How exact a sum of estimates is. All 0: of no sampled block. */
struct sampling_error {
	double bytes, count; /* variances */
	double most; /* the largest count that one of the blocks stood for: never shrinks */
};

static inline void sampling_add(struct sampling_error *sum, const struct sampling_estimate *e)
{
	sum->bytes += e->bytes_variance;
	sum->count += e->count_variance;
	if ((double)e->count > sum->most)
		sum->most = (double)e->count;
}

static inline void sampling_take(struct sampling_error *sum, const struct sampling_estimate *e)
{
	sum->bytes -= e->bytes_variance;
	sum->count -= e->count_variance;
}

/* Adds errors of sums over different blocks. */
static inline void sampling_join(struct sampling_error *sum, const struct sampling_error *e)
{
	sum->bytes += e->bytes;
	sum->count += e->count;
	if (e->most > sum->most)
		sum->most = e->most;
}

/*
 * Half the width of the 99 % interval around a sum: the truth lies within sum +- margin. It is wider than the normal
 * one, because there may be few samples. Without a sample it is 5.3 B: so many bytes remain without any sample once
 * in 200 times. 0 when sample_bytes is 0. Counts use units of `most`, the smallest blocks that were sampled; still
 * smaller blocks are hardly ever sampled, and the margin knows nothing of them.
 */
uint64_t sampling_bytes_margin(uint64_t sample_bytes, const struct sampling_error *e);
uint64_t sampling_count_margin(uint64_t sample_bytes, const struct sampling_error *e);

/*
 * The same for a peak: the highest of many estimates is probably above the truth. turns: how often the live set was
 * replaced, i.e. how many different estimates there were.
 */
uint64_t sampling_peak_bytes_margin(uint64_t sample_bytes, const struct sampling_error *e,
				    double turns);
uint64_t sampling_peak_count_margin(uint64_t sample_bytes, const struct sampling_error *e,
				    double turns);

#endif
