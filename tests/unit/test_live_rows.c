/* test_live_rows - what lives in a heap, summed: against what was put into it, block by block. */
#include "heap_steps.h"

#include "replay/live_rows.h"

static struct rows rows_of(const struct heap *h, bool sampled)
{
	struct rows rows = { .sampled = sampled };

	assert_int_equal(live_rows(h, &rows, NULL, NULL), 0);
	return rows;
}

static const struct row *row_of(const struct rows *rows, uint32_t process, uint32_t thread, uint32_t node, uint8_t kind)
{
	const struct row *found = NULL;

	for (uint32_t i = 0; i < rows->count; i++) {
		const struct view_row *const k = &rows->all[i].key;

		if (k->process != process || k->thread != thread || k->node != node || k->kind != kind)
			continue;
		assert_null(found); /* one row for each key */
		found = &rows->all[i];
	}
	return found;
}

static void assert_row(const struct row *r, uint64_t bytes, uint64_t count)
{
	assert_non_null(r);
	assert_int_equal(r->bytes, bytes);
	assert_int_equal(r->count, count);
}

static void blocks_count_by_stack_thread_and_process(void **state)
{
	struct heap *const h = new_heap(1);
	struct rows rows;

	for (uint32_t i = 1; i <= 60; i++) /* nodes 1 to 3, threads 0 and 1, processes 0 and 1 */
		apply(h, (struct trk_event){ .kind = TRK_MALLOC, .address = i * 64, .size = i, .node = 1 + i % 3, .thread = i % 2, .process = i > 30 });
	for (uint32_t i = 1; i <= 60; i += 5)
		apply(h, (struct trk_event){ .kind = TRK_FREE, .address = i * 64, .process = i > 30 });
	rows = rows_of(h, false);
	assert_int_equal(rows.count, 12);
	for (uint32_t process = 0; process < 2; process++)
		for (uint32_t thread = 0; thread < 2; thread++)
			for (uint32_t node = 1; node <= 3; node++) {
				uint64_t bytes = 0, count = 0;

				for (uint32_t i = 1; i <= 60; i++)
					if (i % 5 != 1 && 1 + i % 3 == node && i % 2 == thread && (i > 30) == process) {
						bytes += i;
						count++;
					}
				assert_row(row_of(&rows, process, thread, node, TRK_MALLOC), bytes, count);
			}
	rows_finish(&rows);
	heap_free(h);
}

static void ended_processes_hold_nothing(void **state)
{
	struct heap *const h = new_heap(1);
	struct rows rows;

	apply(h, (struct trk_event){ .kind = TRK_MALLOC, .address = 64, .size = 10 });
	apply(h, (struct trk_event){ .kind = TRK_MALLOC, .address = 64, .size = 20, .process = 1 });
	heap_end_process(h, 0);
	rows = rows_of(h, false);
	assert_int_equal(rows.count, 1);
	assert_row(row_of(&rows, 1, 0, 0, TRK_MALLOC), 20, 1);
	rows_finish(&rows);
	heap_free(h);
}

/* A mapping in three fragments is one block. An arena that nobody has touched is a block of no bytes. */
static void mappings_are_one_block(void **state)
{
	struct heap *const h = new_heap(1);
	struct rows rows;

	map(h, 0, 10);
	unmap(h, 2, 1);
	unmap(h, 6, 1);
	apply(h, (struct trk_event){ .kind = TRK_ARENA, .address = BASE + 100 * PAGE, .size = 5 * PAGE, .node = 7 });
	rows = rows_of(h, false);
	assert_row(row_of(&rows, 0, 0, 0, TRK_MMAP), 8 * PAGE, 1);
	assert_row(row_of(&rows, 0, 0, 7, TRK_MMAP), 0, 1);
	assert_int_equal(heap_totals(h)->live_blocks, 2);
	assert_int_equal(heap_totals(h)->live_bytes, 8 * PAGE);
	rows_finish(&rows);
	heap_free(h);
}

/* Sums of estimates are the live totals of the heap, and so are their errors. */
static void samples_are_estimates(void **state)
{
	struct heap *const h = new_heap(1);
	uint64_t seed = 1, bytes = 0, count = 0;
	double variance = 0;
	struct rows rows;

	heap_set_sampling(h, 1000);
	for (uint32_t i = 1; i <= 500; i++)
		apply(h, (struct trk_event){ .kind = TRK_MALLOC, .address = i * 4096, .size = 1 + random_next(&seed) % 3000, .node = i % 7 });
	rows = rows_of(h, true);
	for (uint32_t i = 0; i < rows.count; i++) {
		bytes += rows.all[i].bytes;
		count += rows.all[i].count;
		variance += rows.errors[i].now.bytes;
	}
	assert_int_equal(rows.count, 7);
	assert_int_equal(bytes, heap_totals(h)->live_bytes);
	assert_int_equal(count, heap_totals(h)->live_blocks);
	assert_true(variance > 0 && variance / heap_totals(h)->live_error.bytes > 0.999 && variance / heap_totals(h)->live_error.bytes < 1.001);
	rows_finish(&rows);
	heap_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_count_by_stack_thread_and_process),
		cmocka_unit_test(ended_processes_hold_nothing),
		cmocka_unit_test(mappings_are_one_block),
		cmocka_unit_test(samples_are_estimates),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
