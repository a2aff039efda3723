/*
 * test_filter - what a filter's text means and what it lets through. The cases of
 * matching are those of CPython's test_tracemalloc (TestFilters, TestSnapshot).
 */
#include "unit.h"

#include "common/filter.h"

static struct filters filters_of(const char *const *texts)
{
	struct filters f = { 0 };

	for (; *texts; texts++)
		assert_true(filters_add(&f, *texts));
	return f;
}

#define FILTERS(...) filters_of((const char *const[]){ __VA_ARGS__, NULL })

static void the_parts_of_a_filter_are_told_apart(void **state)
{
	static const struct {
		const char *text;
		struct filter f;
	} cases[] = {
		{ "+a.c", { (char *)"a.c", -1, -1, true, false } },
		{ "-a.c:12", { (char *)"a.c", 12, -1, false, false } },
		{ "+a.c:0", { (char *)"a.c", 0, -1, true, false } },
		{ "-*.c,all_frames", { (char *)"*.c", -1, -1, false, true } },
		{ "+a.c:3,all_frames,domain=7", { (char *)"a.c", 3, 7, true, true } },
		{ "+a.c:3,domain=0,all_frames", { (char *)"a.c", 3, 0, true, true } },
		{ "+odd,name.c", { (char *)"odd,name.c", -1, -1, true, false } },
		{ "+c:d.c", { (char *)"c:d.c", -1, -1, true, false } },
		{ "-<unknown>", { (char *)"<unknown>", -1, -1, false, false } },
		{ "+*.c,domain=a,b", { (char *)"*.c", -1, -1, true, false, (char *)"a,b" } },
		{ "+*.c,domain=a,b,all_frames", { (char *)"*.c", -1, -1, true, true, (char *)"a,b" } },
		{ "-odd,name.c:7,all_frames,domain=a,", { (char *)"odd,name.c", 7, -1, false, true, (char *)"a," } },
		{ "+*.c,domain=1,domain=2", { (char *)"*.c", -1, -1, true, false, (char *)"1,domain=2" } },
		{ "+domain=a,all_frames", { NULL, -1, -1, true, false, (char *)"a,all_frames" } },
		{ "-domain=4294967295", { NULL, -1, UINT32_MAX, false, false } },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct filters f = FILTERS(cases[i].text);
		const struct filter *const want = &cases[i].f;
		assert_int_equal(f.items[0].line, want->line);
		assert_int_equal(f.items[0].domain, want->domain);
		assert_int_equal(f.items[0].inclusive, want->inclusive);
		assert_int_equal(f.items[0].all_frames, want->all_frames);
		if (want->pattern)
			assert_string_equal(f.items[0].pattern, want->pattern);
		else
			assert_null(f.items[0].pattern);
		if (want->domain_name)
			assert_string_equal(f.items[0].domain_name, want->domain_name);
		else
			assert_null(f.items[0].domain_name);
		filters_finish(&f);
	}
}

static void what_is_no_filter_is_refused(void **state)
{
	static const char *const bad[] = { "", "a.c", "+", "-", "+:12", "+domain=", "+a.c,domain=",
					   "-domain=4294967296", "+a.c,domain=-1", "+,all_frames", "+domain=-" };
	struct filters f = { 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(filters_add(&f, bad[i]));
	assert_int_equal(f.count, 0);
	filters_finish(&f);
}

static bool pass(struct filters f, const char *file, uint32_t line, uint32_t domain)
{
	const struct source_frame frames[] = {
		{ .file = file, .line = line },
		{ .file = "/src/caller.c", .line = 4 },
	};
	const bool passed = filters_pass(&f, frames, 2, 0, domain);

	filters_finish(&f);
	return passed;
}

static void no_filter_passes_everything(void **state)
{
	assert_true(pass((struct filters){ 0 }, "a.c", 1, 0));
}

static void a_pattern_is_for_the_whole_name(void **state)
{
	assert_false(pass(FILTERS("+five.c"), "/src/five.c", 1, 0));
	assert_true(pass(FILTERS("-five.c"), "/src/five.c", 1, 0));
	assert_true(pass(FILTERS("+*five.c"), "/src/five.c", 1, 0));
	assert_true(pass(FILTERS("+/src/*"), "/src/deep/down/five.c", 1, 0));
	assert_true(pass(FILTERS("+*"), "/src/.hidden", 1, 0));
	assert_false(pass(FILTERS("+FIVE.C"), "five.c", 1, 0));
	assert_true(pass(FILTERS("+[ab].?"), "b.c", 1, 0));
	assert_true(pass(FILTERS("+[!ab].c"), "x.c", 1, 0));
	assert_true(pass(FILTERS("+a\\b.c"), "a\\b.c", 1, 0));
	assert_false(pass(FILTERS("+a\\b.c"), "ab.c", 1, 0));
}

static void a_line_is_exact(void **state)
{
	assert_true(pass(FILTERS("+a.c:2"), "a.c", 2, 0));
	assert_false(pass(FILTERS("+a.c:2"), "a.c", 3, 0));
	assert_true(pass(FILTERS("-a.c:2"), "a.c", 3, 0));
	assert_false(pass(FILTERS("-a.c:2"), "a.c", 2, 0));
	assert_true(pass(FILTERS("+a.c:0"), "a.c", 0, 0));
	assert_false(pass(FILTERS("+a.c:0"), "a.c", 2, 0));
}

static void callers_count_with_all_frames_only(void **state)
{
	assert_false(pass(FILTERS("+/src/caller.c"), "a.c", 1, 0));
	assert_true(pass(FILTERS("+/src/caller.c,all_frames"), "a.c", 1, 0));
	assert_true(pass(FILTERS("+/src/caller.c:4,all_frames"), "a.c", 1, 0));
	assert_false(pass(FILTERS("+/src/caller.c:5,all_frames"), "a.c", 1, 0));
	assert_true(pass(FILTERS("-/src/caller.c"), "a.c", 1, 0));
	assert_false(pass(FILTERS("-/src/caller.c,all_frames"), "a.c", 1, 0));
}

static void inclusive_filters_are_alternatives(void **state)
{
	assert_true(pass(FILTERS("+a.c:2", "+b.c"), "a.c", 2, 0));
	assert_true(pass(FILTERS("+a.c:2", "+b.c"), "b.c", 9, 0));
	assert_false(pass(FILTERS("+a.c:2", "+b.c"), "a.c", 3, 0));
}

static void every_exclusive_filter_counts(void **state)
{
	assert_false(pass(FILTERS("+*.c", "-a.c:2"), "a.c", 2, 0));
	assert_true(pass(FILTERS("-a.c:2", "+*.c"), "a.c", 3, 0));
	assert_false(pass(FILTERS("-b.c", "-a.c"), "a.c", 3, 0));
	assert_false(pass(FILTERS("-a.c", "+a.c"), "a.c", 3, 0));
}

static void a_domain_narrows_a_filter(void **state)
{
	assert_true(pass(FILTERS("+a.c,domain=1"), "a.c", 1, 1));
	assert_false(pass(FILTERS("+a.c,domain=1"), "a.c", 1, 2));
	assert_false(pass(FILTERS("-a.c,domain=1"), "a.c", 1, 1));
	assert_true(pass(FILTERS("-a.c,domain=1"), "a.c", 1, 2));
	assert_true(pass(FILTERS("-a.c,domain=1"), "b.c", 1, 1));
	assert_true(pass(FILTERS("+domain=3"), "a.c", 1, 3));
	assert_false(pass(FILTERS("+domain=3"), "a.c", 1, 0));
	assert_false(pass(FILTERS("-domain=0"), "a.c", 1, 0));
	assert_true(pass(FILTERS("-domain=0"), "a.c", 1, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_parts_of_a_filter_are_told_apart),
		cmocka_unit_test(what_is_no_filter_is_refused),
		cmocka_unit_test(no_filter_passes_everything),
		cmocka_unit_test(a_pattern_is_for_the_whole_name),
		cmocka_unit_test(a_line_is_exact),
		cmocka_unit_test(callers_count_with_all_frames_only),
		cmocka_unit_test(inclusive_filters_are_alternatives),
		cmocka_unit_test(every_exclusive_filter_counts),
		cmocka_unit_test(a_domain_narrows_a_filter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
