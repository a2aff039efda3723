/*
 * test_growth_histories - growth of processes in histories made by hand: those that a recorder writes, and those that only a hostile
 * file has. The reader lets all of them through: it checks only that the spans are there.
 */
#include "unit.h"

#include "common/growth_private.h"

enum { SPANS = 400,
       PROCESSES = 3 };

static struct {
	struct trk_process processes[PROCESSES];
	struct cap_history histories[2];
	uint64_t spans[SPANS];
	struct capture c;
	struct report r;
} made;

/* A run of SPANS spans of 2^20 ns. Process 0 has the spans as they are, and one history beside it. */
static void make(uint64_t (*level)(uint32_t span), struct cap_history other)
{
	memset(&made, 0, sizeof(made));
	for (uint32_t i = 0; i < SPANS; i++)
		made.spans[i] = level(i);
	for (uint32_t i = 0; i < PROCESSES; i++)
		made.processes[i].end_ns = UINT64_MAX;
	made.histories[0] = (struct cap_history){ .process = 0, .shift = 20, .count = SPANS, .first = 0 };
	made.histories[1] = other;
	made.c = (struct capture){ .processes = made.processes,
				   .process_count = PROCESSES,
				   .histories = made.histories,
				   .history_count = 2,
				   .history_spans = made.spans,
				   .history_span_count = SPANS,
				   .last_time_ns = (uint64_t)SPANS << 20 };
	made.r = (struct report){ .capture = &made.c, .process = UINT32_MAX };
}

static uint32_t rows(void)
{
	const struct growth_options o = { 0 };
	struct trk_fault fault = { 0 };
	struct growth g = { 0 };
	uint32_t ret = 0;

	assert_int_equal(growth_of_histories(&g, &made.r, &o, &fault), 0);
	for (size_t i = 0; i < g.row_count; i++) {
		assert_true(g.rows[i].process < PROCESSES);
		assert_true(g.rows[i].per_second > 0);
		ret |= 1u << g.rows[i].process;
	}
	growth_finish(&g);
	return ret;
}

static uint64_t rises(uint32_t span)
{
	return 1000 + 100 * (uint64_t)span;
}

static uint64_t stays(uint32_t span)
{
	return 1000 + span % 2;
}

static uint64_t most(uint32_t span)
{
	return UINT64_MAX - SPANS + span;
}

static void a_process_that_rises_is_found(void **state)
{
	const struct cap_history none = { .process = 1, .shift = 20, .count = 0 };

	make(rises, none);
	assert_int_equal(rows(), 1);
	made.r.process = 1;
	assert_int_equal(rows(), 0);
	make(stays, none);
	assert_int_equal(rows(), 0);
}

/* They are left out, or judged by what they say; the process beside them is found all the same. */
static void hostile_histories_hide_nothing(void **state)
{
	static const struct cap_history hostile[] = {
		{ .process = PROCESSES, .shift = 20, .count = SPANS }, /* there is none of that number */
		{ .process = UINT32_MAX - 1, .shift = 20, .count = SPANS },
		{ .process = 1, .shift = 20, .count = SPANS, .first = SPANS }, /* it begins at the end, */
		{ .process = 1, .shift = 20, .count = SPANS, .first = UINT64_MAX >> 20 }, /* ... behind it, */
		{ .process = 1, .shift = 63, .count = 1, .first = 1 },
		{ .process = 1, .shift = 63, .count = SPANS, .first = UINT64_MAX }, /* ... where no time is */
		{ .process = 1, .shift = 1, .count = SPANS, .first = 1ull << 63 },
		{ .process = 2, .shift = 63, .count = 1 }, /* one span for all time */
		{ .process = 2, .shift = 0, .count = 1, .first_span = SPANS - 1 }, /* ... and one of a nanosecond */
	};

	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		make(rises, hostile[i]);
		assert_int_equal(rows(), 1);
	}
}

/* A run that ends at the last time that there is, and levels that cannot be added. */
static void the_largest_numbers_are_survived(void **state)
{
	const struct cap_history long_one = { .process = 1, .shift = 56, .count = 256 };

	make(most, long_one);
	made.c.last_time_ns = UINT64_MAX - 1;
	(void)rows();
	make(rises, long_one);
	made.c.last_time_ns = UINT64_MAX;
	assert_int_equal(rows() & 2, 2); /* exact in bins of 2^64 / 40 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_process_that_rises_is_found),
		cmocka_unit_test(hostile_histories_hide_nothing),
		cmocka_unit_test(the_largest_numbers_are_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
