/*
 * test_stack - source frames of nodes of a capture made by hand: what is named,
 * what is skipped, what counts as runtime.
 */
#include "unit.h"

#include "symbols/stack.h"

enum { M_APP = 1,
       M_LIBC };

/* Strings, symbols, frames and nodes of the capture below, by name. */
enum { S_MALLOC = 1,
       S_PUSH,
       S_MAIN,
       S_START,
       S_NEW,
       S_SORT,
       S_FILE,
       S_CLONE };

static const char *strings[] = {
	[0] = "",
	[S_MALLOC] = "malloc",
	[S_PUSH] = "_ZNSt6vectorIiSaIiEE9push_backERKi",
	[S_MAIN] = "main",
	[S_START] = "_start",
	[S_NEW] = "_Znwm",
	[S_SORT] = "_ZSt4sortIN9__gnu_cxx17__normal_iteratorIPiSt6vectorIiSaIiEEEEEvT_S7_",
	[S_FILE] = "/src/a.cc",
	[S_CLONE] = "clone",
};

static struct trk_symbol symbols[] = {
	{ S_NEW, 0, 0, 0 }, /* 0: frame 1, only a name */
	{ S_PUSH, S_FILE, 10, 1 }, /* 1: frame 2, inlined ... */
	{ S_MAIN, S_FILE, 20, 0 }, /* 2: ... into main */
	{ S_START, 0, 0, 0 }, /* 3: frame 3 */
	{ S_SORT, S_FILE, 30, 0 }, /* 4: frame 6 */
	{ S_CLONE, S_FILE, 40, 0 }, /* 5: frame 7 */
};

static struct trk_module modules[] = {
	[M_APP] = { .path = "/bin/app" },
	[M_LIBC] = { .path = "/lib/libc.so.6" },
};

static struct cap_frame frames[] = {
	[1] = { 0x100, M_APP, 0, 1 },
	[2] = { 0x200, M_APP, 1, 2 },
	[3] = { 0x300, M_APP, 3, 1 },
	[4] = { 0x400, M_LIBC, 0, 0 }, /* looked up, nothing known */
	[5] = { 0x7fff1234, 0, 0, 0 }, /* in no module */
	[6] = { 0x600, M_APP, 4, 1 },
	[7] = { 0x700, M_APP, 5, 1 },
	[8] = { 0x800, M_APP, 0, UINT32_MAX }, /* never looked up, and /bin/app does not exist */
};

/* main <- libc <- _start; allocations below operator new and sort. */
static struct cap_node nodes[] = {
	[1] = { 0, 3 },
	[2] = { 1, 4 },
	[3] = { 2, 2 },
	[4] = { 3, 1 },
	[5] = { 3, 6 },
	[6] = { 0, 1 },
	[7] = { 0, 5 },
	[8] = { 3, 7 },
	[9] = { 8, 1 },
	[10] = { 0, 8 },
	[11] = { 10, 4 },
	[12] = { 11, 2 },
};

static struct capture capture = {
	.modules = modules,
	.module_count = 3,
	.frames = frames,
	.frame_count = 9,
	.nodes = nodes,
	.node_count = 13,
	.symbols = symbols,
	.symbol_count = 6,
	.strings = strings,
	.string_count = 9,
};

static struct stacks *open_with(struct stacks_options o)
{
	struct stacks *s = NULL;

	assert_int_equal(stacks_new(&s, &capture, &o), 0);
	return s;
}

static void inlined_frames_come_first(void **state)
{
	struct stacks *const s = open_with((struct stacks_options){ 0 });
	size_t n;
	const struct source_frame *f = stacks_frames(s, 3, &n);

	assert_int_equal(n, 4);
	assert_string_equal(f[0].function, "std::vector<...>::push_back");
	assert_string_equal(f[0].full_function, "std::vector<int, std::allocator<int> >::push_back(int const&)");
	assert_string_equal(f[0].file, "/src/a.cc");
	assert_int_equal(f[0].line, 10);
	assert_true(f[0].inlined && f[0].has_source && f[0].skipped);
	assert_string_equal(f[1].function, "main");
	assert_int_equal(f[1].line, 20);
	assert_false(f[1].inlined || f[1].skipped || f[1].runtime);
	assert_int_equal(f[1].frame, 2);
	assert_int_equal(f[1].offset, 0x200);
	assert_string_equal(f[1].module, "/bin/app");
	stacks_free(s);
}

static void frames_below_main_are_runtime(void **state)
{
	struct stacks *const s = open_with((struct stacks_options){ 0 });
	size_t n;
	const struct source_frame *f = stacks_frames(s, 3, &n);

	assert_string_equal(f[2].function, ""); /* a stripped libc: known by where it stands */
	assert_true(f[2].runtime && f[3].runtime);
	f = stacks_frames(s, 12, &n); /* so is what called it: a stripped _start */
	assert_string_equal(f[n - 1].function, "");
	assert_true(f[n - 1].runtime && f[n - 2].runtime && !f[n - 3].runtime);
	f = stacks_frames(s, 10, &n); /* the same frame alone is not */
	assert_false(f[0].runtime);
	f = stacks_frames(s, 8, &n);
	assert_string_equal(f[0].function, "clone");
	assert_false(f[0].runtime); /* not at the end of the stack: the program's own */
	stacks_free(s);
}

static void a_frame_without_lines_shows_its_module(void **state)
{
	struct stacks *const s = open_with((struct stacks_options){ 0 });
	size_t n;
	const struct source_frame *f = stacks_frames(s, 4, &n);

	assert_int_equal(n, 5);
	assert_string_equal(f[0].function, "operator new");
	assert_string_equal(f[0].file, "/bin/app");
	assert_int_equal(f[0].line, 0);
	assert_false(f[0].has_source);
	f = stacks_frames(s, 10, &n);
	assert_int_equal(n, 1);
	assert_string_equal(f[0].function, "");
	assert_string_equal(f[0].file, "/bin/app");
	stacks_free(s);
}

static void unknown_places_are_called_unknown(void **state)
{
	struct stacks *const s = open_with((struct stacks_options){ 0 });
	static const uint32_t empty[] = { 0, 13, UINT32_MAX };
	size_t n;
	const struct source_frame *f;

	for (size_t i = 0; i < 3; i++) {
		f = stacks_frames(s, empty[i], &n);
		assert_int_equal(n, 1);
		assert_string_equal(f->file, "<unknown>");
		assert_int_equal(f->line, 0);
		assert_string_equal(stacks_top(s, empty[i])->file, "<unknown>");
	}
	f = stacks_frames(s, 7, &n);
	assert_int_equal(n, 1);
	assert_string_equal(f->file, "<unknown>");
	assert_int_equal(f->offset, 0x7fff1234);
	stacks_free(s);
}

static void the_top_is_the_first_frame_not_skipped(void **state)
{
	struct stacks *const s = open_with((struct stacks_options){ 0 });

	assert_string_equal(stacks_top(s, 4)->function, "main"); /* below new and push_back */
	assert_string_equal(stacks_top(s, 5)->function, "main"); /* below std::sort */
	assert_string_equal(stacks_top(s, 6)->function, "operator new"); /* all are skipped */
	assert_string_equal(stacks_top(s, 9)->function, "clone");
	stacks_free(s);
}

static void only_the_leading_run_is_skipped(void **state)
{
	struct stacks *const s = open_with((struct stacks_options){ 0 });
	size_t n;
	const struct source_frame *f = stacks_frames(s, 9, &n);

	assert_true(f[0].skipped); /* operator new */
	assert_false(f[1].skipped); /* clone, the program's */
	assert_false(f[2].skipped); /* push_back called it: part of the story */
	stacks_free(s);
}

static void options_change_what_is_skipped(void **state)
{
	static const char *const patterns[] = { "cl?ne", "nothing*", NULL };
	struct stacks *s = open_with((struct stacks_options){ .no_skip = true });
	size_t n;

	assert_string_equal(stacks_top(s, 4)->function, "operator new");
	assert_false(stacks_frames(s, 4, &n)->skipped);
	stacks_free(s);
	s = open_with((struct stacks_options){ .skip_patterns = patterns });
	assert_string_equal(stacks_top(s, 9)->function, "main");
	stacks_free(s);
}

static void deep_stacks_keep_every_frame(void **state)
{
	enum { DEPTH = 3000 };
	static struct cap_node deep[DEPTH + 1];
	struct capture c = capture;
	struct stacks *s = NULL;
	size_t n;

	for (uint32_t i = 1; i <= DEPTH; i++)
		deep[i] = (struct cap_node){ i - 1, 2 };
	c.nodes = deep;
	c.node_count = DEPTH + 1;
	assert_int_equal(stacks_new(&s, &c, NULL), 0);
	(void)stacks_frames(s, DEPTH, &n);
	assert_int_equal(n, 2 * DEPTH);
	stacks_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inlined_frames_come_first),
		cmocka_unit_test(frames_below_main_are_runtime),
		cmocka_unit_test(a_frame_without_lines_shows_its_module),
		cmocka_unit_test(unknown_places_are_called_unknown),
		cmocka_unit_test(the_top_is_the_first_frame_not_skipped),
		cmocka_unit_test(only_the_leading_run_is_skipped),
		cmocka_unit_test(options_change_what_is_skipped),
		cmocka_unit_test(deep_stacks_keep_every_frame),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
