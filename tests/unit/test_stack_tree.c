/* stack_tree: equal paths are one node, a parent stands before its children, children are listed in the order that is asked for. */
#include "unit.h"

#include <stdlib.h>

#include "common/stack_tree.h"
#include "format/trk.h"
#include "tools/allocations.h"

#define BREADTH 12u
#define DEPTH 4u

/* The path whose items are the digits of `number`. */
static uint32_t add_path(struct stack_tree *t, uint32_t number)
{
	uint32_t node = 0;

	for (uint32_t i = 0; i < DEPTH; i++, number /= BREADTH)
		assert_int_equal(stack_tree_child(t, node, number % BREADTH, &node), 0);
	return node;
}

static uint32_t number_of(const struct stack_tree *t, uint32_t node)
{
	uint32_t number = 0;

	for (uint32_t n = node; n; n = t->nodes[n].parent) {
		assert_true(t->nodes[n].parent < n);
		number = number * BREADTH + t->nodes[n].item;
	}
	return number;
}

static void equal_paths_are_one_node(void **state)
{
	const uint32_t paths = BREADTH * BREADTH * BREADTH * BREADTH;
	uint32_t *const ends = calloc(paths, sizeof(*ends));
	struct stack_tree t;

	assert_int_equal(stack_tree_init(&t), 0);
	assert_int_equal(t.count, 1);
	for (uint32_t i = 0; i < paths; i++)
		ends[i] = add_path(&t, i);
	assert_int_equal(t.count, 1 + BREADTH + BREADTH * BREADTH + BREADTH * BREADTH * BREADTH + paths);
	for (uint32_t i = 0; i < paths; i++) {
		assert_int_equal(add_path(&t, i), ends[i]);
		assert_int_equal(number_of(&t, ends[i]), i);
	}
	stack_tree_finish(&t);
	free(ends);
}

static int largest_item_first(const void *a, const void *b, void *tree)
{
	const struct stack_tree *const t = tree;
	const uint32_t x = t->nodes[*(const uint32_t *)a].item, y = t->nodes[*(const uint32_t *)b].item;

	return x < y ? 1 : x > y ? -1 :
				   0;
}

static void children_stand_in_order(void **state)
{
	struct stack_tree t;
	size_t listed = 0;

	assert_int_equal(stack_tree_init(&t), 0);
	for (uint32_t i = 0; i < 5000; i += 7)
		add_path(&t, i * 3);
	assert_int_equal(stack_tree_sort(&t, largest_item_first, &t), 0);
	assert_int_equal(t.child_start[0], 0);
	for (uint32_t n = 0; n < t.count; n++)
		for (uint32_t i = t.child_start[n]; i < t.child_start[n + 1]; i++, listed++) {
			assert_int_equal(t.nodes[t.children[i]].parent, n);
			if (i > t.child_start[n])
				assert_true(t.nodes[t.children[i - 1]].item > t.nodes[t.children[i]].item);
		}
	assert_int_equal(listed, t.count - 1);
	stack_tree_finish(&t);
}

static void a_root_alone_has_no_children(void **state)
{
	struct stack_tree t;

	assert_int_equal(stack_tree_init(&t), 0);
	assert_int_equal(stack_tree_sort(&t, largest_item_first, &t), 0);
	assert_int_equal(t.child_start[0], t.child_start[1]);
	stack_tree_finish(&t);
	stack_tree_finish(&t);
}

/* What was there stays usable, whichever of its arrays cannot grow. */
static void without_memory_nothing_changes(void **state)
{
	struct stack_tree t;
	uint32_t node;

	allocations_reset(1);
	assert_int_equal(stack_tree_init(&t), TRK_ERR_NOMEM);
	for (uint64_t fail = 2; fail < 6; fail++) {
		uint32_t items = 0;

		allocations_reset(fail);
		assert_int_equal(stack_tree_init(&t), 0);
		while (stack_tree_child(&t, 0, items, &node) == 0)
			assert_int_equal(node, ++items);
		assert_int_equal(t.count, items + 1);
		allocations_reset(0);
		for (uint32_t i = 0; i < items; i++) {
			assert_int_equal(stack_tree_child(&t, 0, i, &node), 0);
			assert_int_equal(node, i + 1);
		}
		assert_int_equal(stack_tree_child(&t, 0, items, &node), 0);
		stack_tree_finish(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(equal_paths_are_one_node),
		cmocka_unit_test(children_stand_in_order),
		cmocka_unit_test(a_root_alone_has_no_children),
		cmocka_unit_test(without_memory_nothing_changes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
