/* sampling: weights, their rounding, margins; and a heap that sums what its blocks stand for. */
#include "unit.h"

#include <math.h>

#include "replay/heap.h"
#include "replay/sampling.h"

#define EVERY 4096u

static double chance(double size)
{
	return -expm1(-(size > 0 ? size : 1) / EVERY);
}

/* The mean over many seeds is 1 / p, and size / p, whatever the size. */
static void rounding_has_no_bias(void **unused)
{
	static const uint64_t sizes[] = { 0, 1, 7, 100, 4000, 4096, 9000, 20000, 40000 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		const double p = chance((double)sizes[i]);
		const double n = 100000, count_wanted = 1 / p, bytes_wanted = (double)sizes[i] / p;
		double count = 0, bytes = 0;
		struct sampling_estimate e;

		for (uint64_t seed = 0; seed < (uint64_t)n; seed++) {
			sampling_estimate(EVERY, sizes[i], seed, &e);
			assert_true(e.count == (uint64_t)count_wanted || e.count == (uint64_t)count_wanted + 1);
			count += (double)e.count;
			bytes += (double)e.bytes;
		}
		/* a fraction's standard deviation is at most 1/2: five standard errors */
		assert_true(fabs(count / n - count_wanted) < 2.5 / sqrt(n));
		assert_true(fabs(bytes / n - bytes_wanted) < 2.5 / sqrt(n));
	}
}

static void one_block_is_the_same_whenever_asked(void **unused)
{
	struct sampling_estimate a, b;

	sampling_estimate(EVERY, 5000, 77, &a);
	sampling_estimate(EVERY, 5000, 77, &b);
	assert_memory_equal(&a, &b, sizeof(a));
}

/* Of no use, but they must not wrap around. */
static void absurd_sizes_stay_what_they_are(void **unused)
{
	struct sampling_estimate e;

	sampling_estimate(1ull << 40, UINT64_MAX, 1, &e);
	assert_true(e.bytes == UINT64_MAX && e.count == 1);
	sampling_estimate(1ull << 40, 1, 1, &e);
	assert_true(e.count >= (1ull << 40) && e.count <= (1ull << 40) + 1);
	assert_true(e.bytes >= (1ull << 40) && e.bytes <= (1ull << 40) + 1);
	sampling_estimate(1, 1, 1, &e);
	assert_true(e.count == 1 || e.count == 2);
}

/* (1 - p) / p^2, and at most 1/4 from rounding. */
static void variances_are_those_of_horvitz_and_thompson(void **unused)
{
	for (uint64_t size = 1; size < 30000; size = size * 3 + 1) {
		const double p = chance((double)size), v = (1 - p) / (p * p), s = (double)size;
		struct sampling_estimate e;

		sampling_estimate(EVERY, size, size, &e);
		assert_true(e.count_variance >= v * 0.999999 && e.count_variance <= v * 1.000001 + 0.25);
		assert_true(e.bytes_variance >= v * s * s * 0.999999 &&
			    e.bytes_variance <= v * s * s * 1.000001 + 0.25);
	}
}

/* P(at most n events of a Poisson process with that mean). */
static double poisson(unsigned n, double mean)
{
	double term = exp(-mean), sum = 0;

	for (unsigned k = 0; k <= n; k++) {
		sum += term;
		term *= mean / (k + 1);
	}
	return sum;
}

/* The truth that would show so few samples once in 200 times: within, and not by far. */
static void margins_hold_for_any_number_of_samples(void **unused)
{
	for (unsigned n = 0; n <= 300; n++) {
		/* n samples of very small blocks: each stands for EVERY bytes */
		const struct sampling_error e = { .bytes = (double)n * EVERY * EVERY, .count = n * 64.0 * 64, .most = n ? 64 : 0 };
		const double margin = (double)sampling_bytes_margin(EVERY, &e) / EVERY;
		const double counts = (double)sampling_count_margin(EVERY, &e) / 64;

		assert_true(poisson(n, n + margin) <= 0.005);
		assert_true(poisson(n, n + margin - 0.5) > 0.005);
		assert_true(n == 0 || poisson(n, n + counts) <= 0.005);
	}
}

static void an_exact_capture_has_no_margin(void **unused)
{
	const struct sampling_error e = { .most = 1 };

	assert_int_equal(sampling_bytes_margin(0, &e), 0);
	assert_int_equal(sampling_count_margin(0, &e), 0);
	assert_int_equal(sampling_peak_bytes_margin(0, &e, 10), 0);
}

/* Subtracted again, nothing is left but what rounding of doubles leaves: no root of that. */
static void what_was_taken_away_leaves_the_margin_of_nothing(void **unused)
{
	const struct sampling_error none = { 0 };
	struct sampling_error sum = { 0 };
	struct sampling_estimate e;

	for (uint64_t i = 0; i < 10000; i++) {
		sampling_estimate(EVERY, i, i, &e);
		sampling_add(&sum, &e);
	}
	for (uint64_t i = 0; i < 10000; i++) {
		sampling_estimate(EVERY, i, i, &e);
		sampling_take(&sum, &e);
	}
	assert_true(sampling_bytes_margin(EVERY, &sum) <= sampling_bytes_margin(EVERY, &none) + 10);
	sum.bytes = -1;
	assert_int_equal(sampling_bytes_margin(EVERY, &sum), sampling_bytes_margin(EVERY, &none));
}

/* The margin of a peak: the tail of the normal distribution, as often as there are turns. */
static void a_peak_is_wider_the_more_it_was_looked_at(void **unused)
{
	const struct sampling_error e = { .bytes = 1e6 * EVERY * EVERY };
	const double z = (double)sampling_bytes_margin(EVERY, &e) / (1e3 * EVERY);
	const double wide = (double)sampling_peak_bytes_margin(EVERY, &e, 99) / (1e3 * EVERY);

	assert_true(fabs(z - 2.5758) < 0.01);
	assert_true(100 * erfc(wide / sqrt(2)) <= 0.0101 && 100 * erfc((wide - 0.5) / sqrt(2)) > 0.01);
	assert_true(sampling_peak_bytes_margin(EVERY, &e, 0) == sampling_bytes_margin(EVERY, &e));
}

/* ---- a heap ---- */

static void apply(struct heap *h, uint8_t kind, uint64_t address, uint64_t size, uint64_t old)
{
	assert_int_equal(heap_apply(h, &(struct trk_event){ .kind = kind, .address = address, .size = size, .old_address = old, .thread = 1 }), 0);
}

static struct heap *sampled_heap(void)
{
	struct heap *h;

	assert_int_equal(heap_new(&h, 1, NULL), 0);
	heap_set_sampling(h, EVERY);
	return h;
}

/* What comes goes again as a whole, moved, set aside, given back. */
static void a_block_takes_away_what_it_brought(void **unused)
{
	struct heap *const h = sampled_heap();
	const struct heap_totals *t;

	for (uint64_t i = 1; i <= 1000; i++)
		apply(h, TRK_MALLOC, i * 4096, i, 0);
	for (uint64_t i = 1; i <= 1000; i += 2)
		apply(h, TRK_REALLOC, i * 4096 + 8, 3 * i, i * 4096);
	for (uint64_t i = 2; i <= 1000; i += 4) {
		apply(h, TRK_REALLOC_RELEASE, 0, 0, i * 4096);
		apply(h, i % 8 == 2 ? TRK_REALLOC_WITHDRAW : TRK_REALLOC_ACQUIRE, i % 8 == 2 ? 0 : i * 4096 + 8,
		      10, i * 4096);
	}
	t = heap_totals(h);
	assert_true(t->live_bytes > 0 && t->allocations - t->frees == t->live_blocks);
	for (uint64_t i = 1; i <= 1000; i++) {
		apply(h, TRK_FREE, i * 4096, 0, 0);
		apply(h, TRK_FREE, i * 4096 + 8, 0, 0);
	}
	t = heap_totals(h);
	assert_true(t->live_bytes == 0 && t->live_blocks == 0 && heap_now_bytes(h) == 0);
	assert_true(t->allocations == t->frees && t->bytes_allocated == t->bytes_freed);
	assert_int_equal(t->unmatched_frees, 0); /* of addresses that nobody knows, none is counted */
	assert_true(fabs(t->live_error.bytes) < 1e-3 * t->allocated_error.bytes);
	heap_free(h);
}

/* A realloc into a block that is not recorded: the old one is gone. */
static void an_acquire_of_nothing_ends_the_old_block(void **unused)
{
	struct heap *const h = sampled_heap();

	apply(h, TRK_MALLOC, 4096, 100, 0);
	apply(h, TRK_REALLOC_RELEASE, 0, 0, 4096);
	apply(h, TRK_REALLOC_ACQUIRE, 0, 0, 4096);
	assert_true(heap_totals(h)->live_blocks == 0);
	assert_true(heap_totals(h)->frees == heap_totals(h)->allocations);
	heap_free(h);
}

static void mappings_and_tracked_blocks_are_themselves(void **unused)
{
	struct heap *const h = sampled_heap();

	apply(h, TRK_MMAP, 1 << 20, 3 * 4096, 0);
	apply(h, TRK_MUNMAP, (1 << 20) + 4096, 4096, 0);
	assert_int_equal(heap_totals(h)->live_bytes, 2 * 4096);
	assert_int_equal(heap_totals(h)->live_blocks, 1);
	assert_int_equal(heap_apply(h, &(struct trk_event){ .kind = TRK_TRACK, .domain = 5, .address = 1, .size = 10 }), 0);
	assert_int_equal(heap_totals(h)->live_bytes, 2 * 4096 + 10);
	assert_true(heap_totals(h)->live_error.bytes == 0);
	heap_free(h);
}

/* Allocations that are not in the capture separate a block from its release. */
static void skipped_allocations_count_for_what_is_temporary(void **unused)
{
	struct heap *const h = sampled_heap();
	uint64_t before;

	apply(h, TRK_MALLOC, 4096, 10, 0);
	apply(h, TRK_SKIPPED, 0, 1, 0);
	apply(h, TRK_FREE, 4096, 0, 0);
	before = heap_totals(h)->temporary;
	assert_true(before > 0);
	apply(h, TRK_MALLOC, 4096, 10, 0);
	apply(h, TRK_SKIPPED, 0, 2, 0);
	apply(h, TRK_FREE, 4096, 0, 0);
	assert_true(heap_totals(h)->temporary == before);
	heap_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rounding_has_no_bias),
		cmocka_unit_test(one_block_is_the_same_whenever_asked),
		cmocka_unit_test(absurd_sizes_stay_what_they_are),
		cmocka_unit_test(variances_are_those_of_horvitz_and_thompson),
		cmocka_unit_test(margins_hold_for_any_number_of_samples),
		cmocka_unit_test(an_exact_capture_has_no_margin),
		cmocka_unit_test(what_was_taken_away_leaves_the_margin_of_nothing),
		cmocka_unit_test(a_peak_is_wider_the_more_it_was_looked_at),
		cmocka_unit_test(a_block_takes_away_what_it_brought),
		cmocka_unit_test(an_acquire_of_nothing_ends_the_old_block),
		cmocka_unit_test(mappings_and_tracked_blocks_are_themselves),
		cmocka_unit_test(skipped_allocations_count_for_what_is_temporary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
