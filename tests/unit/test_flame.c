/* flame: names are numbered once and bounded, stacks add up, pruning loses no byte. */
#include "flame/columns.h"
#include "flame/prune.h"
#include "unit.h"

#include <stdlib.h>
#include <string.h>

static const struct flame_options by_function;

static struct source_frame frame(uint32_t id, const char *function, uint32_t line)
{
	return (struct source_frame){ .function = function,
				      .full_function = function,
				      .file = "/src/a.c",
				      .line = line,
				      .module = "/bin/a",
				      .frame = id,
				      .offset = id };
}

/* Adds a stack of functions named by letters, the root first. */
static void add(struct flame_tree *t, const char *letters, uint64_t bytes, uint64_t count)
{
	uint32_t frames[64];
	size_t n = 0;

	for (; letters[n]; n++) {
		const char name[2] = { letters[n], 0 };
		const struct source_frame f = frame((uint32_t)letters[n], name, 1);
		const int64_t number = flame_names_frame(&t->names, &f, 0, false, false);
		assert_true(number > 1);
		frames[n] = (uint32_t)number;
	}
	const struct flame_row weight = { .bytes = bytes, .count = count };
	assert_int_equal(flame_tree_add(t, frames, n, &weight), 0);
}

static struct flame_tree *example(void)
{
	struct flame_tree *t;

	assert_int_equal(flame_tree_new(&t, &by_function), 0);
	add(t, "mabc", 100, 1);
	add(t, "mabd", 300, 2);
	add(t, "ma", 5, 7);
	add(t, "mz", 50, 100);
	add(t, "mabd", 20, 1);
	assert_int_equal(flame_tree_seal(t), 0);
	return t;
}

static void sums_are_of_all_below(void **state)
{
	struct flame_tree *const t = example();

	assert_int_equal(t->tree.count, 7);
	assert_int_equal(t->nodes[0].bytes, 475);
	assert_int_equal(t->nodes[0].count, 111);
	const uint32_t m = t->tree.children[t->tree.child_start[0]];
	const uint32_t a = t->tree.children[t->tree.child_start[m]];
	assert_int_equal(t->nodes[a].bytes, 425);
	assert_int_equal(t->nodes[a].own_bytes, 5);
	const uint32_t b = t->tree.children[t->tree.child_start[a]];
	const uint32_t d = t->tree.children[t->tree.child_start[b]];
	assert_int_equal(t->nodes[d].bytes, 320);
	assert_int_equal(t->nodes[d].count, 3);
	assert_int_equal(t->tree.child_start[b + 1] - t->tree.child_start[b], 2);
	flame_tree_free(t);
}

static uint64_t flat_bytes(const struct flame_flat *f)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < f->row_count; i++) {
		assert_true(f->rows[i].node < f->node_count);
		sum += f->rows[i].bytes;
	}
	return sum;
}

static void pruning_keeps_the_sum_at_any_budget(void **state)
{
	struct flame_tree *const t = example();

	for (size_t budget = 1; budget < 10; budget++) {
		struct flame_flat f;
		assert_int_equal(flame_prune(t, budget, &f), 0);
		assert_int_equal(flat_bytes(&f), 475);
		assert_int_equal(t->tree.count - f.merged_nodes,
				 budget < t->tree.count ? budget : t->tree.count);
		assert_true(f.node_count <= 2 * budget);
		for (size_t i = 1; i < f.node_count; i++)
			assert_true(f.parent[i] < i);
		flame_flat_finish(&f);
	}
	flame_tree_free(t);
}

static void pruning_keeps_what_is_heavy_by_count(void **state)
{
	struct flame_tree *const t = example();
	struct flame_flat f;
	bool found = false;

	/* z has a tenth of the bytes and nine tenths of the blocks: root, m, a, z or b. */
	assert_int_equal(flame_prune(t, 4, &f), 0);
	for (size_t i = 0; i < f.node_count; i++)
		found |= strcmp(flame_text(&t->names, t->names.frames[f.frame[i]].name), "z") == 0;
	assert_true(found);
	flame_flat_finish(&f);
	flame_tree_free(t);
}

static void lines_are_set_aside_or_kept(void **state)
{
	for (int by_line = 0; by_line < 2; by_line++) {
		const struct flame_options o = { .by_line = by_line };
		struct flame_tree *t;
		assert_int_equal(flame_tree_new(&t, &o), 0);
		for (uint32_t line = 1; line <= 3; line++) {
			const struct source_frame f = frame(line, "same", line);
			const uint32_t number =
				(uint32_t)flame_names_frame(&t->names, &f, 0, false, false);
			const struct flame_row weight = { .bytes = 1, .count = 1 };
			assert_int_equal(flame_tree_add(t, &number, 1, &weight), 0);
		}
		assert_int_equal(t->tree.count, by_line ? 4 : 2);
		flame_tree_free(t);
	}
}

static void names_are_bounded_and_cut_between_characters(void **state)
{
	char name[4001];
	struct flame_names n;

	memset(name, 'x', sizeof(name));
	name[4000] = '\0';
	memcpy(name + 998, "\xe2\x82\xac", 3); /* a character over the bound */
	assert_int_equal(flame_names_init(&n), 0);
	const struct source_frame f = frame(9, name, 1);
	const int64_t number = flame_names_frame(&n, &f, 0, false, false);
	assert_true(number > 1);
	assert_int_equal(n.texts[n.frames[number].name].bytes, 998);
	assert_int_equal(n.texts[n.frames[number].full].bytes, 2000);
	assert_int_equal(flame_names_frame(&n, &f, 0, false, false), number);
	flame_names_finish(&n);
}

static void a_frame_without_name_is_where_it_lies(void **state)
{
	struct flame_names n;
	struct source_frame f = frame(9, "", 0);

	assert_int_equal(flame_names_init(&n), 0);
	f.module = "/usr/lib/libz.so.1";
	f.offset = 0x12ab;
	const int64_t number = flame_names_frame(&n, &f, 0, true, false);
	assert_string_equal(flame_text(&n, n.frames[number].name), "libz.so.1+0x12ab");
	assert_int_equal(n.frames[number].flags, FLAME_HIDDEN);
	f = (struct source_frame){
		.function = "", .full_function = "", .file = "<unknown>", .module = "<unknown>"
	};
	assert_string_equal(
		flame_text(&n, n.frames[flame_names_frame(&n, &f, 0, false, false)].name),
		"<unknown>");
	flame_names_finish(&n);
}

static void columns_are_padded(void **state)
{
	struct columns c = { 0 };

	columns_begin(&c, "a", COLUMN_U8);
	columns_u8(&c, "abc", 3);
	columns_begin(&c, "b", COLUMN_U32);
	columns_u32(&c, 0x01020304);
	columns_begin(&c, "c", COLUMN_F64);
	columns_f64(&c, 1.0);
	assert_int_equal(c.count, 24);
	assert_memory_equal(c.bytes, "abc\0\0\0\0\0\4\3\2\1\0\0\0\0\0\0\0\0\0\0\xf0\x3f", 24);
	assert_int_equal(c.list[1].elements, 1);
	columns_finish(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums_are_of_all_below),
		cmocka_unit_test(pruning_keeps_the_sum_at_any_budget),
		cmocka_unit_test(pruning_keeps_what_is_heavy_by_count),
		cmocka_unit_test(lines_are_set_aside_or_kept),
		cmocka_unit_test(names_are_bounded_and_cut_between_characters),
		cmocka_unit_test(a_frame_without_name_is_where_it_lies),
		cmocka_unit_test(columns_are_padded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
