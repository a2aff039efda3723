/* sample: the distribution of what is recorded, and the set of addresses, also by many threads at once. */
#include "unit.h"

#include <math.h>
#include <pthread.h>

#include "libtracker/chunk.h"
#include "libtracker/sample.h"

struct tracker_state state;
__thread struct tracker_tls tls;
bool chunk_stop_if_closed(void)
{
	return false;
}

static struct shm segment_header; /* only its clock is read */

bool chunk_may_call(const struct thread *t)
{
	(void)t;
	return true;
}

static int start(void **unused)
{
	state.shm = &segment_header;
	state.sample_bytes = 4096;
	assert_true(sample_start(12345));
	return 0;
}

/* ---- the distribution ---- */

static void a_distance_is_the_logarithm(void **unused)
{
	static const uint64_t means[] = { 1, 100, 524288, 1ull << 40 };
	uint64_t seed = 3;

	for (size_t m = 0; m < 4; m++)
		for (int i = 0; i < 10000; i++) {
			const uint64_t random = random_next(&seed) >> (i % 64);
			const double x = -log((double)(random | 1) * 0x1p-64) * (double)means[m];
			const double got = (double)sample_distance(random, means[m]);

			assert_true(fabs(got - (floor(x) + 1)) <= 1 + x * 1e-8);
		}
	assert_true(sample_distance(UINT64_MAX, 1ull << 40) >= 1);
	assert_true(sample_distance(0, 1ull << 40) < 45ull << 40);
}

/* 20 cells of equal probability: chi-square with 19 degrees of freedom, beyond 50 once in 10,000 seeds. */
static void distances_are_exponential(void **unused)
{
	enum { CELLS = 20,
	       DRAWS = 200000 };
	const uint64_t mean = 1000000;
	unsigned cells[CELLS] = { 0 };
	uint64_t seed = 4;
	double chi = 0;

	for (int i = 0; i < DRAWS; i++) {
		const double x = (double)sample_distance(random_next(&seed), mean);
		const int cell = (int)(-expm1(-(x - 0.5) / (double)mean) * CELLS);

		cells[cell < CELLS ? cell : CELLS - 1]++;
	}
	for (int i = 0; i < CELLS; i++) {
		const double d = cells[i] - (double)DRAWS / CELLS;

		chi += d * d / ((double)DRAWS / CELLS);
	}
	assert_true(chi < 50);
}

/* One in 1 / (1 - exp(-size / mean)), and independently of whether the one before was. */
static void allocations_are_sampled_as_the_estimates_assume(void **unused)
{
	static const uint64_t sizes[] = { 0, 1, 64, 1000, 4096, 10000 };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		const double p = -expm1(-(double)(sizes[i] ? sizes[i] : 1) / 4096), n = 400000;
		double sampled = 0, twice = 0;
		bool last = false;

		for (int k = 0; k < (int)n; k++) {
			const bool now = !sample_skip(sizes[i], 1000);

			sampled += now;
			twice += now && last;
			last = now;
		}
		assert_true(fabs(sampled - n * p) < 5 * sqrt(n * p * (1 - p)) + 1);
		assert_true(fabs(twice - n * p * p) < 5 * sqrt(n * p * p * (1 - p * p) * 3) + 1);
	}
}

/* Sizes that alternate have each its own probability. */
static void small_ones_between_large_ones_are_not_favoured(void **unused)
{
	const double n = 300000, small = -expm1(-16.0 / 4096), large = -expm1(-3000.0 / 4096);
	double of_small = 0, of_large = 0;

	for (int k = 0; k < (int)n; k++) {
		of_small += !sample_skip(16, 1000);
		of_large += !sample_skip(3000, 1000);
	}
	assert_true(fabs(of_small - n * small) < 5 * sqrt(n * small));
	assert_true(fabs(of_large - n * large) < 5 * sqrt(n * large * (1 - large)));
}

static void what_is_skipped_is_counted(void **unused)
{
	unsigned skipped = 0;

	tls.skipped = 0;
	for (int i = 0; i < 10000; i++)
		skipped += sample_skip(100, 1000);
	assert_int_equal(tls.skipped, skipped);
}

/* Below a hook's real function nothing is the program's: neither counted nor taken out. */
static void an_allocators_own_calls_do_not_count(void **unused)
{
	const int64_t before = tls.until_sample;

	sample_add(0x10);
	tls.real_frame = 2000;
	assert_true(sample_skip(100, 1000));
	assert_true(tls.until_sample == before);
	assert_false(sample_forget(0x10, 1000));
	tls.real_frame = 0;
	assert_true(sample_forget(0x10, 1000));
}

static void a_child_draws_anew(void **unused)
{
	uint64_t first[2][8];

	for (int child = 0; child < 2; child++) {
		atomic_store(&segment_header.header.clock_ns, (uint64_t)child);
		assert_true(sample_start(99));
		sample_forked();
		assert_int_equal(tls.until_sample, 0);
		for (int i = 0; i < 8; i++) {
			while (sample_skip(100, 1000))
				;
			first[child][i] = (uint64_t)tls.until_sample;
		}
	}
	assert_memory_not_equal(first[0], first[1], sizeof(first[0]));
}

/* ---- the set ---- */

static void what_was_added_is_released_once(void **unused)
{
	for (uintptr_t a = 0x1000; a < 0x1000 + 3000 * 16; a += 16)
		assert_false(sample_forget(a, 1000));
	for (uintptr_t a = 0x1000; a < 0x1000 + 3000 * 16; a += 16)
		sample_add(a);
	for (uintptr_t a = 0x1000; a < 0x1000 + 3000 * 16; a += 16)
		assert_true(sample_forget(a, 1000));
	for (uintptr_t a = 0x1000; a < 0x1000 + 3000 * 16; a += 16)
		assert_false(sample_forget(a, 1000));
}

/* Added twice, as when a realloc's old address was given to another thread meanwhile. */
static void an_address_may_be_there_twice(void **unused)
{
	sample_add(0x7777);
	sample_add(0x7777);
	assert_true(sample_forget(0x7777, 1000));
	assert_true(sample_forget(0x7777, 1000));
	assert_false(sample_forget(0x7777, 1000));
}

#define HAMMERS 4
#define HAMMERED 400

/* Each thread has addresses of its own, in buckets that they share; each must find its own, always. */
static void *hammer(void *data)
{
	const uintptr_t base = 0x100000 + 16 * (uintptr_t)data;
	uint64_t seed = (uint64_t)data;
	bool live[HAMMERED] = { false };

	for (int i = 0; i < 300000; i++) {
		const unsigned k = (unsigned)(random_next(&seed) % HAMMERED);
		const uintptr_t address = base + 16 * HAMMERS * (uintptr_t)k;

		if (live[k] && !sample_forget(address, 1000))
			return (void *)"lost";
		if (!live[k] && sample_forget(address, 1000))
			return (void *)"found what is not there";
		if (!live[k])
			sample_add(address);
		live[k] = !live[k];
	}
	for (unsigned k = 0; k < HAMMERED; k++)
		if (live[k] && !sample_forget(base + 16 * HAMMERS * (uintptr_t)k, 1000))
			return (void *)"lost at the end";
	return NULL;
}

static void threads_find_their_own(void **unused)
{
	pthread_t threads[HAMMERS];

	for (uintptr_t i = 0; i < HAMMERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, (void *)i), 0);
	for (int i = 0; i < HAMMERS; i++) {
		void *fault;

		pthread_join(threads[i], &fault);
		if (fault)
			fail_msg("%s", (const char *)fault);
	}
}

/* More than there is room for: all are found, and what is wrongly found does no harm. Last: marks stay. */
static void too_many_are_found_all_the_same(void **unused)
{
	const uintptr_t n = 1000000;

	for (uintptr_t i = 0; i < n; i++)
		sample_add(0x10000000 + i * 48);
	for (uintptr_t i = 0; i < n; i++)
		assert_true(sample_forget(0x10000000 + i * 48, 1000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_distance_is_the_logarithm),
		cmocka_unit_test(distances_are_exponential),
		cmocka_unit_test(allocations_are_sampled_as_the_estimates_assume),
		cmocka_unit_test(small_ones_between_large_ones_are_not_favoured),
		cmocka_unit_test(what_is_skipped_is_counted),
		cmocka_unit_test(an_allocators_own_calls_do_not_count),
		cmocka_unit_test(a_child_draws_anew),
		cmocka_unit_test(what_was_added_is_released_once),
		cmocka_unit_test(an_address_may_be_there_twice),
		cmocka_unit_test(threads_find_their_own),
		cmocka_unit_test(too_many_are_found_all_the_same),
	};

	return cmocka_run_group_tests(tests, start, NULL);
}
