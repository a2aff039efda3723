/* heap_map - definitions of heap.h: mappings, and where they lie. */
#include "heap_steps.h"

/* memray's cases: a last mapping of ten pages shows what was left. */
static void munmap_cuts_and_splits(void **state)
{
	static const struct {
		uint64_t maps[2][2];
		uint64_t unmaps[2][2];
		uint64_t peak_pages, allocations, frees;
	} cases[] = {
		{ { { 0, 2 } }, { { 0, 1 } }, 11, 2, 0 },
		{ { { 0, 4 } }, { { 1, 2 } }, 12, 2, 0 },
		{ { { 0, 4 }, { 4, 4 } }, { { 0, 8 } }, 10, 3, 2 },
		{ { { 0, 5 } }, { { 1, 1 }, { 3, 1 } }, 13, 2, 0 },
		{ { { 0, 8 } }, { { 7, 1 } }, 17, 2, 0 },
		{ { { 0, 3 } }, { { 0, 2 }, { 2, 1 } }, 10, 2, 1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct heap *h = new_heap(1);

		for (int n = 0; n < 2; n++) {
			if (cases[i].maps[n][1])
				map(h, cases[i].maps[n][0], cases[i].maps[n][1]);
		}
		for (int n = 0; n < 2; n++) {
			if (cases[i].unmaps[n][1])
				unmap(h, cases[i].unmaps[n][0], cases[i].unmaps[n][1]);
		}
		map(h, 100, 10);
		assert_int_equal(heap_totals(h)->peak_bytes, cases[i].peak_pages * PAGE);
		assert_int_equal(heap_totals(h)->allocations, cases[i].allocations);
		assert_int_equal(heap_totals(h)->frees, cases[i].frees);
		assert_int_equal(heap_totals(h)->live_blocks,
				 cases[i].allocations - cases[i].frees);
		assert_int_equal(heap_totals(h)->unmatched_frees, 0);
		heap_free(h);
	}
}

static int count_pieces(void *data, const struct heap_block *b)
{
	++*(size_t *)data;
	return 0;
}

static void the_pieces_of_a_mapping_are_one_block(void **state)
{
	struct heap *h = new_heap(1);
	size_t pieces = 0;

	map(h, 0, 5);
	unmap(h, 1, 1);
	unmap(h, 3, 1);
	assert_int_equal(heap_totals(h)->live_blocks, 1);
	assert_int_equal(heap_each(h, count_pieces, &pieces), 0);
	assert_int_equal(pieces, 3);
	assert_non_null(find_block(h, 0, BASE + 2 * PAGE + 5));
	assert_null(find_block(h, 0, BASE + 3 * PAGE));
	unmap(h, 0, 100);
	assert_int_equal(heap_totals(h)->live_blocks, 0);
	assert_int_equal(heap_totals(h)->frees, 1);
	assert_int_equal(heap_totals(h)->bytes_freed, 5 * PAGE);
	heap_free(h);
}

static void a_mapping_over_another_replaces_it(void **state)
{
	struct heap *h = new_heap(1);

	map(h, 0, 8);
	map(h, 2, 3);
	assert_int_equal(heap_totals(h)->live_bytes, 8 * PAGE);
	assert_int_equal(heap_totals(h)->live_blocks, 2);
	map(h, 0, 8);
	assert_int_equal(heap_totals(h)->live_bytes, 8 * PAGE);
	assert_int_equal(heap_totals(h)->live_blocks, 1);
	assert_int_equal(heap_totals(h)->frees, 2);
	heap_free(h);
}

static void mremap_moves_and_shrinks(void **state)
{
	struct heap *h = new_heap(1);
	struct trk_event e = { .kind = TRK_MREMAP, .old_address = BASE, .old_size = 4 * PAGE, .address = BASE + 50 * PAGE, .size = 6 * PAGE };

	map(h, 0, 4);
	apply(h, e);
	assert_int_equal(heap_totals(h)->live_bytes, 6 * PAGE);
	assert_int_equal(heap_totals(h)->live_blocks, 1);
	assert_int_equal(heap_totals(h)->allocations, 2);
	assert_int_equal(heap_totals(h)->frees, 1);
	e.old_address = BASE + 50 * PAGE;
	e.old_size = 6 * PAGE;
	e.size = PAGE;
	apply(h, e);
	assert_int_equal(heap_totals(h)->live_bytes, PAGE);
	/* Not a mapping that was seen: a file's. */
	e.old_address = BASE + 500 * PAGE;
	e.address = BASE + 600 * PAGE;
	apply(h, e);
	assert_int_equal(heap_totals(h)->live_bytes, PAGE);
	assert_int_equal(heap_totals(h)->unmatched_frees, 1);
	heap_free(h);
}

static void a_mapping_of_part_of_a_page_goes_with_its_page(void **state)
{
	struct heap *h = new_heap(1);

	apply(h, (struct trk_event){ .kind = TRK_MMAP, .address = BASE, .size = 100 });
	assert_int_equal(heap_totals(h)->live_bytes, 100);
	apply(h, (struct trk_event){ .kind = TRK_MUNMAP, .address = BASE, .size = 1 });
	assert_int_equal(heap_totals(h)->live_bytes, 0);
	assert_int_equal(heap_totals(h)->bytes_freed, 100);
	/* Larger pages. */
	heap_set_page_bytes(h, 65536);
	map(h, 0, 32);
	unmap(h, 0, 1);
	assert_int_equal(heap_totals(h)->live_bytes, 16 * PAGE);
	heap_free(h);
}

static void interior_pointers_are_found(void **state)
{
	struct heap *h = new_heap(1);

	allocate(h, 4096, 100);
	assert_int_equal(find_block(h, 0, 4096)->size, 100);
	assert_int_equal(find_block(h, 0, 4195)->size, 100);
	assert_null(find_block(h, 0, 4196));
	assert_null(find_block(h, 1, 4096));
	heap_free(h);
}

/* Deepest place of a tree of pieces; without recursion, for it may be deep. */
static uint32_t depth_of(const struct ranges *r, uint32_t root)
{
	uint32_t(*todo)[2] = malloc((r->count + 1) * sizeof(*todo));
	uint32_t n = 0, deepest = 0;

	assert_non_null(todo);
	todo[n][0] = root;
	todo[n++][1] = 1;
	while (n) {
		const uint32_t piece = todo[--n][0], depth = todo[n][1];

		if (!piece)
			continue;
		deepest = depth > deepest ? depth : deepest;
		todo[n][0] = r->pieces[piece].left;
		todo[n++][1] = depth + 1;
		todo[n][0] = r->pieces[piece].right;
		todo[n++][1] = depth + 1;
	}
	free(todo);
	return deepest;
}

/* Addresses of who has read ranges.c: a list instead of a tree, if its priorities were always the same. */
static void nobody_knows_the_shape_of_the_tree(void **state)
{
	struct ranges r = { 0 };
	uint32_t root = 0, x = 2463534242u;

	for (uint32_t i = 0; i < 5000; i++) {
		struct heap_block b = { .size = 4096 };

		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
		b.address = ((uint64_t)x + 1) * 4096;
		assert_non_null(ranges_add(&r, &root, &b, b.address + 4096));
	}
	assert_true(depth_of(&r, root) < 200);
	ranges_finish(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(munmap_cuts_and_splits),
		cmocka_unit_test(the_pieces_of_a_mapping_are_one_block),
		cmocka_unit_test(a_mapping_over_another_replaces_it),
		cmocka_unit_test(mremap_moves_and_shrinks),
		cmocka_unit_test(a_mapping_of_part_of_a_page_goes_with_its_page),
		cmocka_unit_test(interior_pointers_are_found),
		cmocka_unit_test(nobody_knows_the_shape_of_the_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
