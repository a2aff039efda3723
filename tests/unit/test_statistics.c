/*
 * test_statistics - sums, changes and filters of libtracker-replay. Expected lines are those that CPython's tracemalloc prints for
 * the same blocks; each case is named after the row of the promise that it checks (b36: order of statistics ...).
 */
#include "library.h"

/* ---- statistics ---- */

static void b35_b39_questions_that_have_no_answer_are_refused(void **state)
{
	struct making m = cpython();
	tracker_snapshot *const s = load_at(&m.file, "one");
	tracker_statistic *all;
	tracker_statistic_diff *changes;
	size_t n;

	assert_int_equal(tracker_snapshot_statistics(s, (tracker_key_type)77, false, &all, &n), TRACKER_EINVAL);
	expect_failure(TRACKER_EINVAL, "unknown key_type: '77'");
	assert_int_equal(tracker_snapshot_statistics(s, TRACKER_KEY_TYPE, false, &all, &n), TRACKER_ENOTSUP);
	assert_int_equal(tracker_snapshot_statistics(s, TRACKER_KEY_TRACEBACK, true, &all, &n), TRACKER_EINVAL);
	assert_string_equal(tracker_replay_last_error(), "cumulative mode cannot be used with key type 'traceback'");
	assert_int_equal(tracker_snapshot_compare_to(s, s, TRACKER_KEY_TRACEBACK, true, &changes, &n), TRACKER_EINVAL);
	assert_string_equal(tracker_replay_last_error(), "cumulative mode cannot be used with key type 'traceback'");
	tracker_snapshot_free(s);
	close(m.file.fd);
}

static void b36_ties_are_ordered_by_key_descending(void **state)
{
	struct making m = begin();

	put(&m, 0, 10, STACK(&m, { "a.c", 2, "f" }));
	put(&m, 0, 10, STACK(&m, { "b.c", 1, "f" }));
	put(&m, 0, 10, STACK(&m, { "a.c", 10, "f" }));
	put(&m, 0, 10, STACK(&m, { "c.c", 1, "f" }));
	put(&m, 0, 4, STACK(&m, { "z.c", 9, "f" }));
	end(&m);
	tracker_snapshot *const s = load_at(&m.file, "end");

	expect_statistics(s, TRACKER_KEY_LINENO, false,
			  LINES("c.c:1: size=10 B, count=1, average=10 B", "b.c:1: size=10 B, count=1, average=10 B",
				"a.c:10: size=10 B, count=1, average=10 B", "a.c:2: size=10 B, count=1, average=10 B",
				"z.c:9: size=4 B, count=1, average=4 B"));
	tracker_snapshot_free(s);
	close(m.file.fd);
}

static void b38_b39_files_and_cumulative_sums(void **state)
{
	struct making m = cpython();
	tracker_snapshot *const s = load_at(&m.file, "one");

	expect_statistics(s, TRACKER_KEY_FILENAME, false,
			  LINES("b.c:0: size=66 B, count=1, average=66 B", "a.c:0: size=32 B, count=4, average=8 B",
				"<unknown>:0: size=7 B, count=1, average=7 B"));
	expect_statistics(s, TRACKER_KEY_FILENAME, true,
			  LINES("b.c:0: size=98 B, count=5, average=20 B", "a.c:0: size=32 B, count=4, average=8 B",
				"<unknown>:0: size=7 B, count=1, average=7 B"));
	expect_statistics(s, TRACKER_KEY_LINENO, true,
			  LINES("b.c:1: size=66 B, count=1, average=66 B", "b.c:4: size=32 B, count=4, average=8 B",
				"a.c:2: size=30 B, count=3, average=10 B", "<unknown>:0: size=7 B, count=1, average=7 B",
				"a.c:5: size=2 B, count=1, average=2 B"));
	expect_statistics(s, TRACKER_KEY_FUNCTION, false,
			  LINES("b: size=66 B, count=1, average=66 B", "a: size=32 B, count=4, average=8 B",
				"<unknown>: size=7 B, count=1, average=7 B"));
	expect_statistics(s, TRACKER_KEY_MODULE, false,
			  LINES("/bin/app: size=98 B, count=5, average=20 B", "<unknown>: size=7 B, count=1, average=7 B"));
	tracker_snapshot_free(s);
	close(m.file.fd);
}

static void b37_a_traceback_group_shows_its_most_recent_frame(void **state)
{
	struct making m = cpython();
	tracker_snapshot *const s = load_at(&m.file, "one");
	tracker_statistic *all;
	size_t n;

	assert_int_equal(tracker_snapshot_statistics(s, TRACKER_KEY_TRACEBACK, false, &all, &n), TRACKER_OK);
	tracker_snapshot_free(s); /* they do not need it */
	assert_int_equal(n, 4);
	expect_printed(all[1].traceback, 0, false, "  File \"b.c\", line 4\n  File \"a.c\", line 2\n");
	char text[100];

	assert_int_equal(tracker_statistic_format(text, 5, &all[1]), strlen("a.c:2: size=30 B, count=3, average=10 B"));
	assert_string_equal(text, "a.c:");
	tracker_statistics_free(all);
	close(m.file.fd);
}

static void b40_sizes_are_formatted_as_tracemalloc_does(void **state)
{
	static const struct {
		double size;
		const char *text, *with_sign;
	} cases[] = {
		{ 0, "0 B", "+0 B" },
		{ 10239, "10239 B", "+10239 B" },
		{ 10240, "10.0 KiB", "+10.0 KiB" },
		{ -1, "-1 B", "-1 B" },
		{ -10240, "-10.0 KiB", "-10.0 KiB" },
		{ 6544, "6544 B", "+6544 B" },
		{ 102399, "100.0 KiB", "+100.0 KiB" },
		{ 102400, "100 KiB", "+100 KiB" },
		{ 10485759, "10240 KiB", "+10240 KiB" },
		{ 10485760, "10.0 MiB", "+10.0 MiB" },
		{ 10 * 0x1p40, "10.0 TiB", "+10.0 TiB" },
		{ 99999 * 0x1p40, "99999 TiB", "+99999 TiB" },
		{ 2.5, "2 B", "+2 B" },
		{ 3.5, "4 B", "+4 B" },
	};
	char text[40];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(tracker_format_size(text, sizeof(text), cases[i].size, false), strlen(cases[i].text));
		assert_string_equal(text, cases[i].text);
		tracker_format_size(text, sizeof(text), cases[i].size, true);
		assert_string_equal(text, cases[i].with_sign);
	}
	assert_int_equal(tracker_format_size(NULL, 0, 10240, false), 8);
}

static void b41_b42_b43_b44_changes_the_greatest_first(void **state)
{
	struct making m = cpython();
	tracker_snapshot *const one = load_at(&m.file, "one"), *const two = load_at(&m.file, "two");

	expect_changes(two, one, TRACKER_KEY_LINENO,
		       LINES("a.c:5: size=5002 B (+5000 B), count=2 (+1), average=2501 B", "c.c:578: size=400 B (+400 B), count=1 (+1), average=400 B",
			     "b.c:1: size=0 B (-66 B), count=0 (-1)", "<unknown>:0: size=0 B (-7 B), count=0 (-1)",
			     "a.c:2: size=30 B (+0 B), count=3 (+0), average=10 B"));
	expect_changes(two, one, TRACKER_KEY_FILENAME,
		       LINES("a.c:0: size=5032 B (+5000 B), count=5 (+1), average=1006 B", "c.c:0: size=400 B (+400 B), count=1 (+1), average=400 B",
			     "b.c:0: size=0 B (-66 B), count=0 (-1)", "<unknown>:0: size=0 B (-7 B), count=0 (-1)"));
	tracker_snapshot_free(one);
	tracker_snapshot_free(two);
	close(m.file.fd);
}

static void b45_two_may_be_filtered_differently(void **state)
{
	const tracker_filter not_a = { false, "a.c", -1, false, -1 };
	struct making m = cpython();
	tracker_snapshot *const one = load_at(&m.file, "one"), *const two = load_at(&m.file, "two");
	tracker_snapshot *const some = tracker_snapshot_filter(two, &not_a, 1);

	expect_changes(some, one, TRACKER_KEY_FILENAME,
		       LINES("c.c:0: size=400 B (+400 B), count=1 (+1), average=400 B", "b.c:0: size=0 B (-66 B), count=0 (-1)",
			     "a.c:0: size=0 B (-32 B), count=0 (-4)", "<unknown>:0: size=0 B (-7 B), count=0 (-1)"));
	tracker_snapshot_free(one);
	tracker_snapshot_free(two);
	tracker_snapshot_free(some);
	close(m.file.fd);
}

/* ---- filters ---- */

/* Blocks of CPython's first snapshot: 3 at a.c:2 and one at a.c:5 (domain 1), both called by b.c:4; b.c:1 (2), <unknown> (3). */
static void b50_to_b57_filters_let_through_what_tracemallocs_do(void **state)
{
	static const struct {
		tracker_filter filters[2];
		size_t n, blocks;
	} cases[] = {
		{ { { 0 } }, 0, 6 }, /* b50: a copy */
		{ { { true, "a.c", 2, false, ANY }, { true, "b.c", ANY, false, ANY } }, 2, 4 }, /* b51: any of the inclusive */
		{ { { true, "*.c", ANY, false, ANY }, { false, "a.c", 2, false, ANY } }, 2, 2 }, /* b51: none of the exclusive */
		{ { { false, "a.c", 2, false, ANY }, { false, "a.c", 5, false, ANY } }, 2, 2 },
		{ { { true, "A.C", ANY, false, ANY } }, 1, 0 }, /* b52: case matters */
		{ { { true, "?.c", ANY, false, ANY } }, 1, 5 },
		{ { { true, "a", ANY, false, ANY } }, 1, 0 }, /* b52: the whole name */
		{ { { true, "\\a.c", ANY, false, ANY } }, 1, 0 }, /* b52: no escape */
		{ { { true, "[ab].c", ANY, false, ANY } }, 1, 5 },
		{ { { true, "*", 0, false, ANY } }, 1, 1 }, /* b53: 0 is only line 0 */
		{ { { true, NULL, 0, false, ANY } }, 1, 1 },
		{ { { false, "b.c", ANY, true, ANY } }, 1, 1 }, /* b54: every frame */
		{ { { false, "b.c", ANY, false, ANY } }, 1, 5 }, /* b54: the most recent one */
		{ { { true, "b.c", 4, true, ANY } }, 1, 4 },
		{ { { false, "<unknown>", ANY, false, ANY } }, 1, 5 }, /* b55 */
		{ { { true, "a.c", ANY, false, 1 } }, 1, 1 }, /* b56: file and domain */
		{ { { false, "a.c", ANY, false, 1 } }, 1, 5 },
		{ { { true, NULL, ANY, false, 0 } }, 1, 3 }, /* b57: by domain alone */
		{ { { false, NULL, ANY, false, 0 } }, 1, 3 },
		{ { { true, NULL, ANY, false, 1 }, { true, NULL, ANY, false, 2 } }, 2, 2 },
		{ { { true, NULL, ANY, false, ANY } }, 1, 6 },
		{ { { false, NULL, ANY, false, ANY } }, 1, 0 },
	};
	struct making m = cpython();
	tracker_snapshot *const s = load_at(&m.file, "one");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tracker_snapshot *const some = tracker_snapshot_filter(s, cases[i].filters, cases[i].n);
		tracker_statistic *all;
		size_t n, blocks = 0;

		assert_non_null(some);
		if (tracker_snapshot_len(some) != cases[i].blocks)
			fail_msg("case %zu: %zu blocks, not %zu", i, tracker_snapshot_len(some), cases[i].blocks);
		assert_int_equal(tracker_snapshot_statistics(some, TRACKER_KEY_LINENO, false, &all, &n), TRACKER_OK);
		for (size_t k = 0; k < n; k++)
			blocks += all[k].count;
		assert_int_equal(blocks, cases[i].blocks);
		tracker_statistics_free(all);
		tracker_snapshot_free(some);
	}
	assert_int_equal(tracker_snapshot_len(s), 6); /* as it was */
	tracker_snapshot_free(s);
	close(m.file.fd);
}

static void b52_a_star_also_matches_slashes(void **state)
{
	const tracker_filter name = { true, "tracFive.c", ANY, false, ANY }, path = { true, "*Five.c", ANY, false, ANY };
	struct making m = begin();

	put(&m, 0, 10, STACK(&m, { "/src/tracFive.c", 10, "f" }));
	end(&m);
	tracker_snapshot *const s = load_at(&m.file, "end");
	tracker_snapshot *const none = tracker_snapshot_filter(s, &name, 1), *const all = tracker_snapshot_filter(s, &path, 1);

	expect_statistics(none, TRACKER_KEY_LINENO, false, NO_LINES);
	expect_statistics(all, TRACKER_KEY_LINENO, false, LINES("/src/tracFive.c:10: size=10 B, count=1, average=10 B"));
	tracker_snapshot_free(s);
	tracker_snapshot_free(none);
	tracker_snapshot_free(all);
	close(m.file.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(b35_b39_questions_that_have_no_answer_are_refused),
		cmocka_unit_test(b36_ties_are_ordered_by_key_descending),
		cmocka_unit_test(b37_a_traceback_group_shows_its_most_recent_frame),
		cmocka_unit_test(b38_b39_files_and_cumulative_sums),
		cmocka_unit_test(b40_sizes_are_formatted_as_tracemalloc_does),
		cmocka_unit_test(b41_b42_b43_b44_changes_the_greatest_first),
		cmocka_unit_test(b45_two_may_be_filtered_differently),
		cmocka_unit_test(b50_to_b57_filters_let_through_what_tracemallocs_do),
		cmocka_unit_test(b52_a_star_also_matches_slashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
