/*
 * test_group - sums by key over a capture made by hand. What CPython says about
 * the same data is compared in tests/cli/differential.py; here is what it cannot
 * say: allocator frames, inlined frames, recursion, threads, sizes.
 */
#include "unit.h"

#include <stdlib.h>

#include "common/group.h"

enum { S_MALLOC = 1,
       S_WORK,
       S_MAIN,
       S_START,
       S_A,
       S_B,
       S_EMPTY_NAME };

static const char *strings[] = {
	[0] = "", [S_MALLOC] = "malloc", [S_WORK] = "work", [S_MAIN] = "main", [S_START] = "_start", [S_A] = "/src/a.c", [S_B] = "/src/b.c", [S_EMPTY_NAME] = ""
};

static struct trk_symbol symbols[] = {
	{ S_MALLOC, 0, 0, 0 }, /* 0: frame 1 */
	{ S_WORK, S_A, 9, 0 }, /* 1: frame 2 */
	{ S_WORK, S_A, 10, 0 }, /* 2: frame 3, the recursive call */
	{ S_MAIN, S_B, 4, 0 }, /* 3: frame 4 */
	{ S_START, 0, 0, 0 }, /* 4: frame 5 */
	{ S_MALLOC, 0, 0, 1 }, /* 5: frame 6: malloc ... */
	{ S_WORK, S_A, 7, 1 }, /* 6: ... inlined into work ... */
	{ S_MAIN, S_B, 5, 0 }, /* 7: ... inlined into main */
};

static struct trk_module modules[] = { [1] = { .path = "/bin/app" }, [2] = { .path = "/lib/x.so" } };

static struct cap_frame frames[] = {
	[1] = { 0x10, 1, 0, 1 },
	[2] = { 0x20, 1, 1, 1 },
	[3] = { 0x30, 1, 2, 1 },
	[4] = { 0x40, 1, 3, 1 },
	[5] = { 0x50, 1, 4, 1 },
	[6] = { 0x60, 1, 5, 3 },
	[7] = { 0x70, 2, 0, 0 }, /* nothing known but its module */
};

/* Below main: malloc; work, malloc; work, work, work, malloc; the inlined one; the module. */
enum { N_START = 1,
       N_MAIN,
       N_DIRECT,
       N_WORK,
       N_WORK1,
       N_REC1,
       N_REC2,
       N_REC3,
       N_REC4,
       N_INLINED,
       N_MODULE,
       NODES };
static struct cap_node nodes[NODES] = {
	[N_START] = { 0, 5 },
	[N_MAIN] = { N_START, 4 },
	[N_DIRECT] = { N_MAIN, 1 },
	[N_WORK] = { N_MAIN, 2 },
	[N_WORK1] = { N_WORK, 1 },
	[N_REC1] = { N_MAIN, 3 },
	[N_REC2] = { N_REC1, 3 },
	[N_REC3] = { N_REC2, 2 },
	[N_REC4] = { N_REC3, 1 },
	[N_INLINED] = { N_START, 6 },
	[N_MODULE] = { N_MAIN, 7 },
};

static struct trk_process processes[] = { { .pid = 100 }, { .pid = 200 } };
static struct trk_thread threads[] = {
	{ .process = 0, .tid = 100, .name = "app" },
	{ .process = 1, .tid = 200, .name = "worker" },
	{ .process = 1, .tid = 201, .name = "worker" },
};

static struct capture capture = {
	.modules = modules, .module_count = 3, .frames = frames, .frame_count = 8, .nodes = nodes, .node_count = NODES, .symbols = symbols, .symbol_count = 8, .strings = strings, .string_count = 8, .processes = processes, .process_count = 2, .threads = threads, .thread_count = 3
};

static struct view_row rows[] = {
	{ .node = N_DIRECT, .thread = 0, .bytes = 100, .count = 1, .block_size = 100 },
	{ .node = N_WORK1, .thread = 1, .bytes = 40, .count = 4, .block_size = 10 },
	{ .node = N_REC4, .thread = 2, .bytes = 30, .count = 3, .block_size = 10 },
	{ .node = N_INLINED, .thread = 2, .bytes = 7, .count = 1, .block_size = 7 },
	{ .node = N_MODULE, .thread = 1, .bytes = 5, .count = 1, .block_size = 5 },
	{ .node = 0, .thread = UINT32_MAX, .bytes = 0, .count = 2, .block_size = 0 },
};

static const struct view view = { .rows = rows, .row_count = sizeof(rows) / sizeof(rows[0]) };

struct want {
	const char *key;
	uint64_t size, count;
};

static struct grouping *grouped(struct group_options o, bool cumulative)
{
	struct grouping *g = NULL;
	struct stacks *s = NULL;

	assert_int_equal(stacks_new(&s, &capture, NULL), 0);
	const struct group_source from = { &capture, s, &view, NULL, cumulative };
	assert_int_equal(grouping_new(&g, &o), 0);
	assert_int_equal(grouping_add(g, GROUP_NEW, &from), 0);
	grouping_sort(g);
	stacks_free(s);
	return g;
}

static void check(struct group_options o, bool cumulative, const struct want *want, size_t n)
{
	struct grouping *const g = grouped(o, cumulative);

	assert_int_equal(g->stat_count, n);
	for (size_t i = 0; i < n; i++) {
		char *const key = group_key(g, &g->stats[i]);
		assert_string_equal(key, want[i].key);
		assert_int_equal(g->stats[i].value[GROUP_NEW].size, want[i].size);
		assert_int_equal(g->stats[i].value[GROUP_NEW].count, want[i].count);
		free(key);
	}
	assert_int_equal(g->total[GROUP_NEW].size, 182);
	assert_int_equal(g->total[GROUP_NEW].count, 12);
	grouping_free(g);
}

#define WITH(...) ((struct group_options){ __VA_ARGS__ })
#define CHECK(options, cumulative, ...)                             \
	do {                                                        \
		static const struct want want_[] = { __VA_ARGS__ }; \
		check(options, cumulative, want_,                   \
		      sizeof(want_) / sizeof(want_[0]));            \
	} while (0)

static void the_allocator_is_not_the_line(void **state)
{
	CHECK(WITH(.by = GROUP_LINENO), false, { "/src/b.c:4", 100, 1 }, { "/src/a.c:9", 70, 7 },
	      { "/src/a.c:7", 7, 1 }, { "/lib/x.so:0", 5, 1 }, { "<unknown>:0", 0, 2 });
}

static void files_have_line_0(void **state)
{
	CHECK(WITH(.by = GROUP_FILENAME), false, { "/src/b.c:0", 100, 1 }, { "/src/a.c:0", 77, 8 },
	      { "/lib/x.so:0", 5, 1 }, { "<unknown>:0", 0, 2 });
}

static void functions_without_a_name_show_their_module(void **state)
{
	CHECK(WITH(.by = GROUP_FUNCTION), false, { "main", 100, 1 }, { "work", 77, 8 },
	      { "<unknown> in /lib/x.so", 5, 1 }, { "<unknown>", 0, 2 });
}

static void modules_are_those_of_the_most_recent_frame(void **state)
{
	CHECK(WITH(.by = GROUP_MODULE), false, { "/bin/app", 177, 9 }, { "/lib/x.so", 5, 1 },
	      { "<unknown>", 0, 2 });
}

static void recursion_counts_once(void **state)
{
	CHECK(WITH(.by = GROUP_LINENO, .hide_runtime = true), true, { "/src/b.c:4", 175, 9 },
	      { "/src/a.c:9", 70, 7 }, { "/src/a.c:10", 30, 3 }, { "/src/b.c:5", 7, 1 },
	      { "/src/a.c:7", 7, 1 }, { "/lib/x.so:0", 5, 1 }, { "<unknown>:0", 0, 2 });
	CHECK(WITH(.by = GROUP_FUNCTION), true, { "main", 182, 10 }, { "_start", 182, 10 },
	      { "work", 77, 8 }, { "<unknown> in /lib/x.so", 5, 1 }, { "<unknown>", 0, 2 });
}

static void the_runtime_can_be_left_out(void **state)
{
	CHECK(WITH(.by = GROUP_FUNCTION, .hide_runtime = true), true, { "main", 182, 10 },
	      { "work", 77, 8 }, { "<unknown> in /lib/x.so", 5, 1 }, { "<unknown>", 0, 2 });
}

static void locations_name_function_and_file(void **state)
{
	CHECK(WITH(.by = GROUP_LOCATION), false, { "main at /src/b.c", 100, 1 },
	      { "work at /src/a.c", 77, 8 }, { "<unknown> in /lib/x.so", 5, 1 }, { "<unknown>", 0, 2 });
}

static void stacks_of_the_same_lines_are_one(void **state)
{
	CHECK(WITH(.by = GROUP_TRACEBACK), false, { "/src/b.c:4", 100, 1 }, { "/src/a.c:9", 40, 4 },
	      { "/src/a.c:9", 30, 3 }, { "/src/a.c:7", 7, 1 }, { "/lib/x.so:0", 5, 1 },
	      { "<unknown>:0", 0, 2 });
}

static void threads_are_told_apart_by_number(void **state)
{
	CHECK(WITH(.by = GROUP_THREAD), false, { "100/0x64 (app)", 100, 1 }, { "200/0xc8 (worker)", 45, 5 },
	      { "200/0xc9 (worker)", 37, 4 }, { "<unknown>", 0, 2 });
}

static void threads_of_two_runs_are_told_apart_by_name(void **state)
{
	CHECK(WITH(.by = GROUP_THREAD, .portable = true), false, { "app", 100, 1 }, { "worker", 82, 9 },
	      { "<unknown>", 0, 2 });
}

static void sizes_are_those_of_single_blocks(void **state)
{
	CHECK(WITH(.by = GROUP_SIZE), false, { "100 B", 100, 1 }, { "10 B", 70, 7 }, { "7 B", 7, 1 },
	      { "5 B", 5, 1 }, { "0 B", 0, 2 });
}

/* FEATURES B36: c.c:1, b.c:1, a.c:10, a.c:2 are equal in size and count; lines are numbers. */
static void ties_go_by_file_then_line_as_numbers(void **state)
{
	static const char *names[] = { "", "a.c", "b.c", "c.c", "z.c" };
	struct trk_symbol s[] = { { 0, 1, 2, 0 }, { 0, 1, 10, 0 }, { 0, 2, 1, 0 }, { 0, 3, 1, 0 }, { 0, 4, 9, 0 } };
	struct cap_frame f[6] = { { 0 } };
	struct cap_node n[6] = { { 0 } };
	struct view_row r[5] = { { 0 } };
	const struct capture c = { .modules = modules, .frames = f, .frame_count = 6, .nodes = n, .node_count = 6, .symbols = s, .symbol_count = 5, .strings = names, .string_count = 5, .module_count = 3 };
	static const char *const order[] = { "c.c:1", "b.c:1", "a.c:10", "a.c:2", "z.c:9" };
	struct stacks *stacks = NULL;
	struct grouping *g = NULL;

	for (uint32_t i = 0; i < 5; i++) {
		f[i + 1] = (struct cap_frame){ i, 1, i, 1 };
		n[i + 1] = (struct cap_node){ 0, i + 1 };
		r[i] = (struct view_row){ .node = i + 1, .bytes = i < 4 ? 10 : 9, .count = 1 };
	}
	const struct view v = { .rows = r, .row_count = 5 };
	assert_int_equal(stacks_new(&stacks, (struct capture *)&c, NULL), 0);
	const struct group_source from = { &c, stacks, &v, NULL, false };
	assert_int_equal(grouping_new(&g, &(struct group_options){ .by = GROUP_LINENO }), 0);
	assert_int_equal(grouping_add(g, GROUP_NEW, &from), 0);
	grouping_sort(g);
	for (size_t i = 0; i < 5; i++) {
		char *const key = group_key(g, &g->stats[i]);
		assert_string_equal(key, order[i]);
		free(key);
	}
	grouping_free(g);
	stacks_free(stacks);
}

static void key_types_are_known_by_name(void **state)
{
	assert_int_equal(group_by_check("traceback", false), GROUP_TRACEBACK);
	assert_int_equal(group_by_check("size", false), GROUP_SIZE);
	assert_int_equal(group_by_check("module", true), GROUP_MODULE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_allocator_is_not_the_line),
		cmocka_unit_test(files_have_line_0),
		cmocka_unit_test(functions_without_a_name_show_their_module),
		cmocka_unit_test(modules_are_those_of_the_most_recent_frame),
		cmocka_unit_test(recursion_counts_once),
		cmocka_unit_test(the_runtime_can_be_left_out),
		cmocka_unit_test(locations_name_function_and_file),
		cmocka_unit_test(stacks_of_the_same_lines_are_one),
		cmocka_unit_test(threads_are_told_apart_by_number),
		cmocka_unit_test(threads_of_two_runs_are_told_apart_by_name),
		cmocka_unit_test(sizes_are_those_of_single_blocks),
		cmocka_unit_test(ties_go_by_file_then_line_as_numbers),
		cmocka_unit_test(key_types_are_known_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
