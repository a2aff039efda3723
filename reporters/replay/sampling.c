/* sampling - see sampling.h. docs/SAMPLING.md has the mathematics. */
#include "replay/sampling.h"

#include <math.h>

#define Z 2.5758293 /* normal deviate of a two-sided 99 % */

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

/* 0 <= result < 1 */
static double fraction(uint64_t random)
{
	return (double)(random >> 11) * 0x1p-53;
}

/* Adds the part of the variance that comes from rounding. */
static uint64_t round_by(double x, double random, double *variance)
{
	const double whole = floor(x), part = x - whole;

	*variance += part * (1 - part);
	return (uint64_t)whole + (random < part);
}

/*
 * With e = 1 - p a block stands for 1 + e / p blocks, and for size + size * e / p bytes: the
 * second terms are at most B, so that even absurd sizes stay exact.
 */
void sampling_estimate(uint64_t sample_bytes, uint64_t size, uint64_t seed,
		       struct sampling_estimate *ret)
{
	const double x = (double)(size ? size : 1) / (double)sample_bytes;
	const double e = exp(-x), p = -expm1(-x), bytes = (double)size;
	const uint64_t random = mix(seed + 0x9e3779b97f4a7c15ull);

	ret->count_variance = e / p / p;
	ret->bytes_variance = bytes * bytes * e / p / p;
	ret->count = 1 + round_by(e / p, fraction(random), &ret->count_variance);
	ret->bytes = size + round_by(bytes * e / p, fraction(mix(random)), &ret->bytes_variance);
}

/*
 * n events of a Poisson process, each worth `unit`: the score interval ends z^2/2 units and
 * z * sqrt(n + z^2/4) of them above n. 0.6 in the place of z^2/4 makes it the exact one for n = 0,
 * at most 0.4 units wider for the others (tests/unit/test_sampling.c).
 */
static uint64_t margin(double z, double variance, double unit)
{
	const double v = variance > 0 ? variance : 0;
	const double m = ceil(z * z / 2 * unit + z * sqrt(v + 0.6 * unit * unit));

	return m < 0x1p63 ? (uint64_t)m : UINT64_MAX / 2;
}

static double count_unit(uint64_t sample_bytes, const struct sampling_error *e)
{
	return e->most > 0 ? e->most : (double)sample_bytes;
}

/* Chosen so that the probability that any of `turns` deviates is larger is the same as for one deviate and Z. */
static double peak_z(double turns)
{
	return sqrt(Z * Z + 2 * log(1 + (turns > 0 ? turns : 0)));
}

uint64_t sampling_bytes_margin(uint64_t sample_bytes, const struct sampling_error *e)
{
	return sampling_peak_bytes_margin(sample_bytes, e, 0);
}

uint64_t sampling_count_margin(uint64_t sample_bytes, const struct sampling_error *e)
{
	return sampling_peak_count_margin(sample_bytes, e, 0);
}

uint64_t sampling_peak_bytes_margin(uint64_t sample_bytes, const struct sampling_error *e,
				    double turns)
{
	return sample_bytes ? margin(peak_z(turns), e->bytes, (double)sample_bytes) : 0;
}

uint64_t sampling_peak_count_margin(uint64_t sample_bytes, const struct sampling_error *e,
				    double turns)
{
	return sample_bytes ? margin(peak_z(turns), e->count, count_unit(sample_bytes, e)) : 0;
}
