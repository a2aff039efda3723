/*
 * test_rise - which series are growth. Each is made of what a program does with its memory, in a run of 4,000 events,
 * at the same pace in time, unless a test says otherwise.
 */
#include "unit.h"

#include <math.h>
#include <string.h>

#include "common/rise.h"

enum { EVENTS = 4000,
       LIVES_ON = 1 << 20 };

/* Blocks that a program makes, in order; `until` is the event that frees it. */
struct life {
	uint32_t from, until, bytes;
};

static struct life lives[2 * EVENTS];
static uint64_t levels[EVENTS], kept[EVENTS], kept_count[EVENTS]; /* by event, once series_of has counted them */
static uint32_t life_count;
static uint32_t seed;

static uint32_t random_number(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return (uint32_t)((uint64_t)seed * below >> 32);
}

static void begin(void)
{
	life_count = 0;
	seed = 7;
}

static void live(uint32_t from, uint32_t until, uint32_t bytes)
{
	lives[life_count++] = (struct life){ from, until, bytes };
}

static void count(void)
{
	int64_t changes[EVENTS + 1] = { 0 }, level = 0;

	memset(kept, 0, sizeof(kept));
	memset(kept_count, 0, sizeof(kept_count));
	for (uint32_t i = 0; i < life_count; i++) {
		const struct life *const l = &lives[i];

		changes[l->from] += l->bytes;
		changes[l->until < EVENTS ? l->until : EVENTS] -= l->bytes;
		kept[l->from] += l->until < EVENTS ? 0 : l->bytes;
		kept_count[l->from] += l->until >= EVENTS;
	}
	for (uint32_t i = 0; i < EVENTS; i++)
		levels[i] = (uint64_t)(level += changes[i]);
}

/* Of the time, the share that had passed at an event. */
static double evenly(double share) { return share; }
static double stopped_late(double share) { return share * 0.3; } /* the rest of the time comes behind the last event */
static double stopped_once(double share) { return share < 0.5 ? share * 0.2 : 0.8 + (share - 0.5) * 0.4; }
static double all_at_once(double share) { return share < 0.01 ? 0 : 0.02; }

static struct rise_series series_of(double (*time_of)(double), double seconds)
{
	struct rise_series s = { .seconds = seconds };
	uint32_t tick = UINT32_MAX;

	count();
	for (uint32_t event = 0; event < EVENTS; event++) {
		const uint32_t bins[RISE_AXES] = { [RISE_TIME] = (uint32_t)(time_of((double)event / EVENTS) * RISE_BINS),
						   [RISE_EVENTS] = event * RISE_BINS / EVENTS };
		struct rise_point *p;

		if (bins[0] + bins[1] != tick) {
			tick = bins[0] + bins[1];
			s.points[s.count++] = (struct rise_point){ .bin = { (uint8_t)bins[0], (uint8_t)bins[1] }, .has_level = true, .low = UINT64_MAX };
		}
		p = &s.points[s.count - 1];
		p->level = levels[event];
		p->low = levels[event] < p->low ? levels[event] : p->low;
		p->kept += kept[event];
		p->kept_count += kept_count[event];
	}
	if (time_of == stopped_late || time_of == all_at_once)
		s.points[s.count++] = (struct rise_point){ .bin = { RISE_BINS - 1, RISE_BINS - 1 }, .has_level = true, .level = levels[EVENTS - 1], .low = levels[EVENTS - 1] };
	return s;
}

static struct rise judged(double (*time_of)(double), double seconds)
{
	const struct rise_series s = series_of(time_of, seconds);
	struct rise r;

	rise_judge(&s, &r);
	return r;
}

static void assert_grows(enum rise_kind kind, uint64_t bytes)
{
	const struct rise r = judged(evenly, 10);

	assert_int_equal(r.kind, kind);
	assert_true(fabs((double)r.bytes - (double)bytes) <= 0.1 * (double)bytes);
}

static void assert_still(void)
{
	assert_int_equal(judged(evenly, 10).kind, RISE_NONE);
	assert_int_equal(judged(all_at_once, 0.01).kind, RISE_NONE); /* clocks may be too coarse for a short run */
}

static void noise(uint32_t bytes)
{
	for (uint32_t i = 0; i < EVENTS; i += 2)
		live(i, i + 1 + random_number(200), 1 + random_number(bytes));
}

/* ---- what grows ---- */

static void a_leak_in_a_loop(void **state)
{
	begin();
	for (uint32_t i = 0; i < EVENTS; i += 10)
		live(i, LIVES_ON, 100);
	assert_grows(RISE_KEPT, 100 * EVENTS / 10);
	assert_int_equal(judged(all_at_once, 0.01).kind, RISE_KEPT);
}

static void a_leak_by_one_block_in_a_twentieth_of_the_run(void **state)
{
	begin();
	for (uint32_t i = EVENTS / 40; i < EVENTS; i += EVENTS / 20)
		live(i, LIVES_ON, 5000);
	assert_grows(RISE_KEPT, 5000 * 20);
}

static void a_leak_under_noise_that_is_hundred_times_larger(void **state)
{
	begin();
	noise(8000);
	for (uint32_t i = 0; i < EVENTS; i += 50)
		live(i, LIVES_ON, 50);
	assert_grows(RISE_KEPT, 50 * EVENTS / 50);
	assert_true(levels[EVENTS / 2] > 80 * 50 * 40); /* of which the leak is an 80th at most */
}

static void a_leak_whose_end_is_a_burst_at_its_own_pace(void **state)
{
	begin();
	for (uint32_t i = 0; i < EVENTS; i += 10)
		live(i, LIVES_ON, 100);
	for (uint32_t i = EVENTS - 40; i < EVENTS; i++)
		live(i, LIVES_ON, 10000);
	assert_grows(RISE_KEPT, 100 * EVENTS / 10);
}

static void what_is_replaced_by_a_little_more_each_time(void **state)
{
	begin();
	for (uint32_t i = 0; i < EVENTS; i += 40)
		live(i, i + 40 < EVENTS ? i + 40 : LIVES_ON, 1000 * (1 + i / 40));
	assert_grows(RISE_LEVEL, 1000 * EVENTS / 40);
}

static void a_vector_that_was_enlarged_not_long_ago(void **state)
{
	struct rise r;

	begin();
	for (uint32_t i = 25; i < EVENTS; i *= 2)
		live(i, i * 2 < EVENTS ? i * 2 : LIVES_ON, i * 16);
	r = judged(evenly, 10);
	assert_int_equal(r.kind, RISE_DOUBLING);
	assert_true(r.last > 0.78 && r.last < 0.84); /* at event 3200 */
}

static void a_leak_of_a_program_that_was_stopped(void **state)
{
	begin();
	for (uint32_t i = 0; i < EVENTS; i += 10)
		live(i, LIVES_ON, 100);
	assert_int_equal(judged(stopped_once, 0.5).kind, RISE_KEPT);
	assert_int_equal(judged(stopped_late, 0.1).kind, RISE_KEPT); /* 70 ms: any machine may do that */
}

/* ---- what does not ---- */

static void nothing_at_all(void **state)
{
	struct rise_series empty = { 0 };
	struct rise r;

	begin();
	assert_still();
	rise_judge(&empty, &r);
	assert_int_equal(r.kind, RISE_NONE);
}

static void noise_alone(void **state)
{
	for (uint32_t k = 1; k < 200; k++) {
		begin();
		seed = k;
		noise(1000);
		assert_still();
	}
}

static void a_random_walk(void **state)
{
	uint32_t grows = 0;

	for (uint32_t k = 1; k < 200; k++) {
		begin();
		seed = k;
		for (uint32_t i = 0; i < 100; i++) /* most live for longer than the run */
			live(0, random_number(2 * EVENTS), 100);
		for (uint32_t i = 0; i < EVENTS; i += 40)
			live(i, i + random_number(2 * EVENTS), 100);
		grows += judged(evenly, 10).kind != RISE_NONE;
	}
	assert_true(grows < 20);
}

static void a_cache_that_was_filled(void **state)
{
	for (uint32_t part = 1; part <= 8; part++) {
		begin();
		for (uint32_t i = 0; i < EVENTS * part / 10; i += 5)
			live(i, LIVES_ON, 100);
		assert_still();
	}
}

static void a_ring(void **state)
{
	begin();
	for (uint32_t i = 0; i < EVENTS; i += 4)
		live(i, i + 1000 < EVENTS ? i + 1000 : LIVES_ON, 100 + random_number(100));
	assert_still();
}

static void a_cache_that_replaces_at_random(void **state)
{
	for (uint32_t lifetime = EVENTS / 4; lifetime <= 4 * EVENTS; lifetime *= 2) {
		begin();
		for (uint32_t i = 0; i < 200; i++)
			for (uint32_t at = 0, next; at < EVENTS; at = next) {
				next = at + 1 + (uint32_t)(-log((random_number(1000) + 1) / 1001.0) * lifetime);
				live(at, next < EVENTS ? next : LIVES_ON, 100);
			}
		assert_still();
	}
}

static void sawteeth(void **state)
{
	for (uint32_t teeth = 2; teeth < 12; teeth++) {
		const uint32_t period = EVENTS * 2 / (2 * teeth - 1); /* the last one is half done */

		begin();
		for (uint32_t i = 0; i < EVENTS; i += 3) {
			const uint32_t end = (i / period + 1) * period;

			live(i, end < EVENTS ? end : LIVES_ON, 100);
		}
		assert_still();
	}
}

static void what_the_start_makes(void **state)
{
	begin();
	for (uint32_t i = 0; i < 200; i++)
		live(i, LIVES_ON, 100);
	assert_still();
}

static void a_burst_at_the_end(void **state)
{
	begin();
	for (uint32_t i = EVENTS * 19 / 20; i < EVENTS; i++)
		live(i, LIVES_ON, 100);
	assert_still();
}

static void a_vector_whose_next_step_is_overdue(void **state)
{
	begin();
	for (uint32_t i = 25; i < EVENTS / 3; i *= 2) /* the last at 800 */
		live(i, i * 2 < EVENTS / 3 ? i * 2 : LIVES_ON, i * 16);
	assert_still();
}

static void a_program_that_builds_and_then_waits(void **state)
{
	struct rise r;

	begin();
	for (uint32_t i = 0; i < EVENTS; i += 10)
		live(i, LIVES_ON, 100);
	r = judged(all_at_once, 60);
	assert_int_equal(r.kind, RISE_NONE);
	assert_true(r.was_idle);
	assert_int_equal(judged(stopped_late, 60).kind, RISE_NONE);
}

static void few_blocks(void **state)
{
	begin();
	for (uint32_t i = 0; i < 9; i++)
		live(EVENTS / 8 + i * EVENTS / 10, LIVES_ON, 100);
	assert_still();
}

/* ---- sums ---- */

static void a_leak_through_many_stacks_is_seen_in_their_sum(void **state)
{
	struct rise_series sum = { 0 };
	struct rise r;

	for (uint32_t k = 0; k < 10; k++) {
		struct rise_series s;

		begin();
		for (uint32_t i = k * EVENTS / 40; i < EVENTS; i += EVENTS / 4)
			live(i, LIVES_ON, 100);
		s = series_of(evenly, 10);
		rise_judge(&s, &r);
		assert_int_equal(r.kind, RISE_NONE);
		if (k)
			rise_add(&sum, &s);
		else
			sum = s;
	}
	rise_judge(&sum, &r);
	assert_int_equal(r.kind, RISE_KEPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_leak_in_a_loop),
		cmocka_unit_test(a_leak_by_one_block_in_a_twentieth_of_the_run),
		cmocka_unit_test(a_leak_under_noise_that_is_hundred_times_larger),
		cmocka_unit_test(a_leak_whose_end_is_a_burst_at_its_own_pace),
		cmocka_unit_test(what_is_replaced_by_a_little_more_each_time),
		cmocka_unit_test(a_vector_that_was_enlarged_not_long_ago),
		cmocka_unit_test(a_leak_of_a_program_that_was_stopped),
		cmocka_unit_test(nothing_at_all),
		cmocka_unit_test(noise_alone),
		cmocka_unit_test(a_random_walk),
		cmocka_unit_test(a_cache_that_was_filled),
		cmocka_unit_test(a_ring),
		cmocka_unit_test(a_cache_that_replaces_at_random),
		cmocka_unit_test(sawteeth),
		cmocka_unit_test(what_the_start_makes),
		cmocka_unit_test(a_burst_at_the_end),
		cmocka_unit_test(a_vector_whose_next_step_is_overdue),
		cmocka_unit_test(a_program_that_builds_and_then_waits),
		cmocka_unit_test(few_blocks),
		cmocka_unit_test(a_leak_through_many_stacks_is_seen_in_their_sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
