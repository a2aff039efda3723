/*
 * test_intervals - range lookup against trying all ranges; addresses sorted by digits against qsort; cleaned path names.
 */
#include "unit.h"

#include <stdlib.h>

#include "symbols/arena.h"
#include "symbols/by_address.h"
#include "symbols/intervals.h"
#include "symbols/path.h"

static void nested_ranges_are_found_inside_out(void **state)
{
	struct intervals t = { 0 };
	uint32_t i;

	assert_true(intervals_add(&t, 0, 100, 1));
	assert_true(intervals_add(&t, 10, 50, 2));
	assert_true(intervals_add(&t, 20, 30, 3));
	assert_true(intervals_add(&t, 60, 60, 4)); /* empty: left out */
	intervals_sort(&t);
	i = intervals_find(&t, 25);
	assert_int_equal(t.items[i].value, 3);
	i = intervals_next(&t, i, 25);
	assert_int_equal(t.items[i].value, 2);
	i = intervals_next(&t, i, 25);
	assert_int_equal(t.items[i].value, 1);
	assert_int_equal(intervals_next(&t, i, 25), INTERVAL_NONE);
	assert_int_equal(t.items[intervals_find(&t, 60)].value, 1);
	assert_int_equal(t.items[intervals_find(&t, 30)].value, 2);
	assert_int_equal(intervals_find(&t, 100), INTERVAL_NONE);
	intervals_finish(&t);
	assert_int_equal(intervals_find(&t, 0), INTERVAL_NONE);
}

static int by_address_and_index(const void *a, const void *b)
{
	const struct by_address *const x = a, *const y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return x->index < y->index ? -1 : x->index > y->index;
}

static void addresses_are_sorted_as_by_qsort(void **state)
{
	/* spread over few bits, those of a library, one digit, all bits; 0: all the same */
	static const uint64_t masks[] = { 0, 0x7, 0x7ff, 0x3fffff0, 0x7ff << 11, UINT64_MAX };
	enum { COUNT = 3000 };
	static struct by_address items[COUNT], expected[COUNT];
	uint64_t seed = 7;

	for (size_t m = 0; m < sizeof(masks) / sizeof(*masks); m++) {
		for (uint32_t i = 0; i < COUNT; i++) {
			seed = seed * 6364136223846793005u + 1442695040888963407u;
			items[i] = (struct by_address){ ((seed >> 29) ^ seed) & masks[m], i };
		}
		memcpy(expected, items, sizeof(items));
		qsort(expected, COUNT, sizeof(*expected), by_address_and_index);
		assert_true(by_address_sort(items, COUNT));
		for (uint32_t i = 0; i < COUNT; i++) {
			assert_int_equal(items[i].address, expected[i].address);
			assert_int_equal(items[i].index, expected[i].index);
		}
	}
	assert_true(by_address_sort(items, 0));
}

/* Few and short enough that no address lies in more ranges than a lookup follows. */
static void every_containing_range_is_visited(void **state)
{
	enum { RANGES = 60,
	       SPACE = 200 };
	uint64_t seed = 3;

	for (int round = 0; round < 300; round++) {
		struct intervals t = { 0 };

		for (uint32_t i = 0; i < RANGES; i++) {
			const uint64_t low = random_next(&seed) % SPACE;

			assert_true(intervals_add(&t, low, low + random_next(&seed) % 40, i));
		}
		intervals_sort(&t);
		for (uint64_t address = 0; address < SPACE + 40; address++) {
			uint32_t expected = 0, found = 0;

			for (uint32_t i = 0; i < t.count; i++)
				expected += t.items[i].low <= address && address < t.items[i].high;
			for (uint32_t i = intervals_find(&t, address); i != INTERVAL_NONE;
			     i = intervals_next(&t, i, address)) {
				assert_true(t.items[i].low <= address && address < t.items[i].high);
				found++;
			}
			assert_int_equal(found, expected);
		}
		intervals_finish(&t);
	}
}

static void paths_are_joined_and_cleaned(void **state)
{
	static const struct {
		const char *name, *directory, *expected;
	} cases[] = {
		{ "/a/b.c", "/x", "/a/b.c" },
		{ "b.c", "/x", "/x/b.c" },
		{ "./b.c", "/x/", "/x/b.c" },
		{ "../src/b.c", "/x/build", "/x/src/b.c" },
		{ "/a/./b//c/../d.c", NULL, "/a/b/d.c" },
		{ "/../../a.c", NULL, "/a.c" },
		{ "../a.c", NULL, "../a.c" },
		{ "../../a.c", "x", "../a.c" },
		{ "a/../../b.c", NULL, "../b.c" },
		{ "b.c", NULL, "b.c" },
		{ "b.c", "", "b.c" },
		{ "", "/x", "/x" },
		{ "/", NULL, "/" },
		{ "..", "/", "/" },
		{ "..a/...", "/x", "/x/..a/..." },
		{ "<built-in>", "/x", "/x/<built-in>" },
	};
	struct arena arena = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(path_absolute(cases[i].name, cases[i].directory, &arena),
				    cases[i].expected);
	arena_finish(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nested_ranges_are_found_inside_out),
		cmocka_unit_test(every_containing_range_is_visited),
		cmocka_unit_test(addresses_are_sorted_as_by_qsort),
		cmocka_unit_test(paths_are_joined_and_cleaned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
