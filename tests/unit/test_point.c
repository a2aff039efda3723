/* point - "CAP@POINT" taken apart. */
#include "unit.h"

#include <stdio.h>
#include <unistd.h>

#include "replay/view.h"

static void one(const char *text, enum point_kind kind, uint64_t number, const char *label)
{
	struct point_range r;
	struct trk_fault fault;
	char *path = NULL, whole[300];

	snprintf(whole, sizeof(whole), "cap.bin@%s", text);
	assert_int_equal(point_parse(whole, &path, &r, &fault), 0);
	assert_string_equal(path, "cap.bin");
	assert_false(r.is_range);
	assert_int_equal(r.from.kind, kind);
	if (kind == POINT_MARK)
		assert_string_equal(r.from.label, label);
	else
		assert_int_equal(r.from.number, number);
	free(path);
}

static void every_kind_of_point(void **state)
{
	one("peak", POINT_PEAK, 0, NULL);
	one("end", POINT_END, 0, NULL);
	one("#3", POINT_NTH_MARK, 3, NULL);
	one("1.5s", POINT_TIME, 1500000000, NULL);
	one("200ms", POINT_TIME, 200000000, NULL);
	one("0.25us", POINT_TIME, 250, NULL);
	one("3m", POINT_TIME, 180000000000, NULL);
	one("2h", POINT_TIME, 7200000000000, NULL);
	one("7ns", POINT_TIME, 7, NULL);
	one("90%", POINT_SHARE, 90000, NULL);
	one("12.5%", POINT_SHARE, 12500, NULL);
	one("100%", POINT_SHARE, 100000, NULL);
	one("after load", POINT_MARK, 0, "after load");
	one("3", POINT_MARK, 0, "3");
	one("1.5sec", POINT_MARK, 0, "1.5sec");
}

static void a_path_alone_is_the_peak(void **state)
{
	struct point_range r;
	struct trk_fault fault;
	char *path = NULL;

	assert_int_equal(point_parse("dir/cap.bin", &path, &r, &fault), 0);
	assert_string_equal(path, "dir/cap.bin");
	assert_int_equal(r.from.kind, POINT_PEAK);
	assert_false(r.is_range);
	free(path);
}

static void ranges_may_lack_an_end(void **state)
{
	struct point_range r;
	struct trk_fault fault;
	char *path = NULL;

	assert_int_equal(point_parse("c@one..two", &path, &r, &fault), 0);
	assert_true(r.is_range);
	assert_string_equal(r.from.label, "one");
	assert_string_equal(r.to.label, "two");
	free(path);
	assert_int_equal(point_parse("c@1s..", &path, &r, &fault), 0);
	assert_int_equal(r.from.kind, POINT_TIME);
	assert_int_equal(r.to.kind, POINT_END);
	free(path);
	assert_int_equal(point_parse("c@..#2", &path, &r, &fault), 0);
	assert_int_equal(r.from.kind, POINT_SHARE);
	assert_int_equal(r.from.number, 0);
	assert_int_equal(r.to.kind, POINT_NTH_MARK);
	free(path);
}

static void what_is_no_point_says_why(void **state)
{
	static const char *const bad[] = { "c@", "c@#0", "c@#x", "c@101%", "c@..", "c@end..one",
					   "c@a..#0" };

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct trk_fault fault = { 0 };
		struct point_range r;
		char *path = NULL;

		assert_int_equal(point_parse(bad[i], &path, &r, &fault), TRK_ERR_ARG);
		assert_null(path);
		assert_true(fault.why[0]);
	}
}

static void a_file_of_that_whole_name_wins(void **state)
{
	char folder[] = "/tmp/point_XXXXXX", name[64];
	struct point_range r;
	struct trk_fault fault;
	char *path = NULL;
	FILE *f;

	assert_non_null(mkdtemp(folder));
	snprintf(name, sizeof(name), "%s/a@end", folder);
	f = fopen(name, "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(point_parse(name, &path, &r, &fault), 0);
	assert_string_equal(path, name);
	assert_int_equal(r.from.kind, POINT_PEAK);
	free(path);
	/* The file decides which @ divides: labels may have one. */
	char more[80];
	snprintf(more, sizeof(more), "%s@user@host", name);
	assert_int_equal(point_parse(more, &path, &r, &fault), 0);
	assert_string_equal(path, name);
	assert_string_equal(r.from.label, "user@host");
	free(path);
	unlink(name);
	rmdir(folder);
}

/* "@=a..b": the mark of that name where there is one. */
static void a_label_may_look_like_a_range(void **state)
{
	struct cap_mark marks[] = { { .label = "a..", .label_bytes = 3 }, { .label = "a..b", .label_bytes = 4 } };
	struct capture c = { .marks = marks, .mark_count = 2 };
	struct trk_fault fault;
	struct point_range r;
	char *path;

	assert_int_equal(point_parse("c@=a..b", &path, &r, &fault), 0);
	free(path);
	point_settle(&r, &c);
	assert_false(r.is_range);
	assert_int_equal(r.from.kind, POINT_MARK);
	assert_string_equal(r.from.label, "a..b");
	assert_int_equal(point_parse("c@=a..c", &path, &r, &fault), 0);
	free(path);
	point_settle(&r, &c);
	assert_true(r.is_range);
	assert_string_equal(r.from.label, "a");
	assert_string_equal(r.to.label, "c");
	assert_int_equal(point_parse("c@=..b", &path, &r, &fault), 0); /* no range: a label is missing */
	free(path);
	assert_false(r.is_range);
	assert_string_equal(r.from.label, "..b");
	assert_int_equal(point_parse("c@a..b", &path, &r, &fault), 0);
	free(path);
	point_settle(&r, &c);
	assert_true(r.is_range);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_of_point),
		cmocka_unit_test(a_path_alone_is_the_peak),
		cmocka_unit_test(ranges_may_lack_an_end),
		cmocka_unit_test(what_is_no_point_says_why),
		cmocka_unit_test(a_file_of_that_whole_name_wins),
		cmocka_unit_test(a_label_may_look_like_a_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
