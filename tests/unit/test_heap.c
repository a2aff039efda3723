/* heap - definitions of heap.h: reallocs in parts, temporaries, exec, ends of processes. Mappings: test_heap_map.c. */
#include "heap_steps.h"

static void realloc_is_one_allocation_and_one_free(void **state)
{
	struct heap *h = new_heap(1);
	struct trk_event e = { .kind = TRK_REALLOC, .address = 16, .size = 10 };

	apply(h, e); /* of NULL */
	e = (struct trk_event){ .kind = TRK_REALLOC, .old_address = 16, .address = 32, .size = 30 };
	apply(h, e); /* moved */
	e.old_address = 32;
	e.size = 20;
	apply(h, e); /* stayed */
	e.address = 0;
	e.size = 1000;
	apply(h, e); /* failed */
	assert_int_equal(heap_totals(h)->allocations, 3);
	assert_int_equal(heap_totals(h)->frees, 2);
	assert_int_equal(heap_totals(h)->live_bytes, 20);
	assert_int_equal(heap_totals(h)->peak_bytes, 30);
	assert_int_equal(heap_totals(h)->bytes_allocated, 60);
	assert_int_equal(heap_totals(h)->kind_count[TRK_REALLOC], 3);
	assert_int_equal(find_block(h, 0, 32)->size, 20);
	assert_null(find_block(h, 0, 16));
	heap_free(h);
}

/* Between the parts another thread gets the old address: its block is not touched. */
static void realloc_in_two_parts(void **state)
{
	struct heap *h = new_heap(1);

	allocate(h, 16, 10);
	apply(h, (struct trk_event){ .kind = TRK_REALLOC_RELEASE, .old_address = 16 });
	assert_int_equal(heap_totals(h)->live_bytes, 0);
	apply(h, (struct trk_event){ .kind = TRK_MALLOC, .thread = 1, .address = 16, .size = 5 });
	apply(h, (struct trk_event){ .kind = TRK_REALLOC_ACQUIRE, .old_address = 16, .address = 64, .size = 100 });
	assert_int_equal(heap_totals(h)->live_bytes, 105);
	assert_int_equal(heap_totals(h)->allocations, 3);
	assert_int_equal(heap_totals(h)->frees, 1);
	assert_int_equal(heap_totals(h)->overwritten, 0);
	assert_int_equal(heap_totals(h)->peak_bytes, 105);
	assert_int_equal(find_block(h, 0, 16)->size, 5);
	apply(h, (struct trk_event){ .kind = TRK_REALLOC_RELEASE, .old_address = 64 });
	assert_int_equal(heap_totals(h)->live_bytes, 5);
	apply(h, (struct trk_event){ .kind = TRK_REALLOC_WITHDRAW, .old_address = 64 });
	assert_int_equal(heap_totals(h)->live_bytes, 105);
	assert_int_equal(heap_totals(h)->live_blocks, 2);
	assert_int_equal(heap_totals(h)->allocations, 3);
	assert_int_equal(heap_totals(h)->frees, 1);
	release(h, 64);
	release(h, 16);
	assert_int_equal(heap_totals(h)->live_blocks, 0);
	assert_int_equal(heap_totals(h)->unmatched_frees, 0);
	heap_free(h);
}

static void strange_releases_are_counted(void **state)
{
	struct heap *h = new_heap(1);

	release(h, 16);
	release(h, 0);
	apply(h, (struct trk_event){ .kind = TRK_REALLOC_WITHDRAW, .old_address = 5 });
	apply(h, (struct trk_event){ .kind = TRK_REALLOC_ACQUIRE, .old_address = 5, .address = 7, .size = 1 });
	unmap(h, 0, 3);
	assert_int_equal(heap_totals(h)->unmatched_frees, 2);
	assert_int_equal(heap_totals(h)->frees, 0);
	allocate(h, 7, 3); /* its free was lost */
	assert_int_equal(heap_totals(h)->overwritten, 1);
	assert_int_equal(heap_totals(h)->live_bytes, 3);
	assert_int_equal(heap_totals(h)->live_blocks, 1);
	apply(h, (struct trk_event){ .kind = TRK_GAP, .size = 9 });
	assert_int_equal(heap_totals(h)->lost, 9);
	heap_free(h);
}

static void domains_are_apart(void **state)
{
	struct heap *h = new_heap(1);
	struct trk_event e = { .kind = TRK_TRACK, .domain = 7, .address = 16, .size = 100 };

	allocate(h, 16, 1);
	apply(h, e);
	e.size = 50; /* again: an update */
	apply(h, e);
	assert_int_equal(heap_totals(h)->live_bytes, 51);
	assert_int_equal(heap_totals(h)->overwritten, 0);
	release(h, 16);
	assert_int_equal(heap_totals(h)->live_bytes, 50);
	apply(h, (struct trk_event){ .kind = TRK_UNTRACK, .domain = 7, .address = 16 });
	assert_int_equal(heap_totals(h)->live_bytes, 0);
	heap_free(h);
}

static void processes_have_addresses_of_their_own(void **state)
{
	struct heap *h = new_heap(1);

	for (uint32_t p = 0; p < 3; p++)
		apply(h, (struct trk_event){ .kind = TRK_MALLOC, .process = p, .thread = p, .address = 16, .size = 10 + p });
	assert_int_equal(heap_totals(h)->live_bytes, 33);
	apply(h, (struct trk_event){ .kind = TRK_EXEC, .process = 1 });
	assert_int_equal(heap_totals(h)->live_bytes, 22);
	assert_int_equal(heap_totals(h)->wiped_bytes, 11);
	assert_int_equal(heap_totals(h)->frees, 0);
	assert_int_equal(heap_process_totals(h, 1)->live_blocks, 0);
	assert_int_equal(heap_process_totals(h, 1)->peak_bytes, 11);
	assert_int_equal(heap_process_totals(h, 99)->allocations, 0);
	heap_free(h);
}

/* A hundred commands that each leave 50 bytes behind hold 50 at one time. */
static void what_the_dead_left_is_leaked_but_not_in_memory(void **state)
{
	struct heap *h = new_heap(1);

	for (uint32_t p = 0; p < 100; p++) {
		apply(h, (struct trk_event){ .kind = TRK_MALLOC, .process = p, .address = 16, .size = 50 });
		heap_end_process(h, p);
		heap_end_process(h, p);
	}
	assert_int_equal(heap_totals(h)->peak_bytes, 50);
	assert_int_equal(heap_totals(h)->live_bytes, 5000);
	assert_int_equal(heap_now_bytes(h), 0);
	release(h, 16);
	assert_int_equal(heap_totals(h)->late, 1);
	assert_int_equal(heap_totals(h)->live_bytes, 5000);
	heap_free(h);
}

static void ties_of_the_peak_go_to_the_later(void **state)
{
	struct heap *h = new_heap(1);

	allocate(h, 16, 100);
	release(h, 16);
	apply(h, (struct trk_event){ .kind = TRK_MALLOC, .address = 32, .size = 60, .time_ns = 5 });
	apply(h, (struct trk_event){ .kind = TRK_MALLOC, .address = 48, .size = 40, .time_ns = 6 });
	release(h, 48);
	assert_int_equal(heap_totals(h)->peak_bytes, 100);
	assert_int_equal(heap_totals(h)->peak_blocks, 2);
	assert_int_equal(heap_totals(h)->peak_time_ns, 6);
	assert_int_equal(heap_totals(h)->peak_event, 4);
	heap_free(h);
}

/* N + 1 blocks, freed in reverse: threshold N - 1 finds N of them, N all. */
static void temporaries_count_other_allocations(void **state)
{
	static const uint32_t sizes[] = { 1, 2, 5, 10 };

	for (size_t i = 0; i < 4; i++) {
		for (uint32_t threshold = sizes[i] - 1; threshold <= sizes[i]; threshold++) {
			struct heap *h = new_heap(threshold);

			for (uint32_t n = 0; n <= sizes[i]; n++)
				allocate(h, 16 + 16 * n, 1024);
			for (uint32_t n = sizes[i] + 1; n-- > 0;)
				release(h, 16 + 16 * n);
			assert_int_equal(heap_totals(h)->temporary, threshold + 1);
			heap_free(h);
		}
	}
}

/* std::vector<int> and 512 push_backs. */
static void temporaries_of_a_growing_vector(void **state)
{
	static const uint64_t wanted[][2] = { { 1, 2048 }, { 10, 4092 }, { 10, 4092 } };

	for (uint32_t threshold = 0; threshold < 3; threshold++) {
		struct heap *h = new_heap(threshold);

		allocate(h, 4, 4);
		for (uint64_t size = 8; size <= 2048; size *= 2) {
			allocate(h, size, size);
			release(h, size / 2);
		}
		release(h, 2048);
		assert_int_equal(heap_totals(h)->temporary, wanted[threshold][0]);
		assert_int_equal(heap_totals(h)->temporary_bytes, wanted[threshold][1]);
		heap_free(h);
	}
}

static void only_the_own_thread_makes_a_temporary(void **state)
{
	struct heap *h = new_heap(0);

	allocate(h, 16, 1);
	apply(h, (struct trk_event){ .kind = TRK_MALLOC, .thread = 1, .address = 32 });
	apply(h, (struct trk_event){ .kind = TRK_FREE, .thread = 1, .address = 16 });
	assert_int_equal(heap_totals(h)->temporary, 0);
	map(h, 0, 1); /* takes no part */
	apply(h, (struct trk_event){ .kind = TRK_FREE, .thread = 1, .address = 32 });
	assert_int_equal(heap_totals(h)->temporary, 1);
	unmap(h, 0, 1);
	assert_int_equal(heap_totals(h)->temporary, 1);
	heap_free(h);
}

struct watched {
	uint64_t born, died, bytes, aside;
};

static void watch_born(void *data, struct heap_block *b, const struct sampling_estimate *e)
{
	struct watched *w = data;

	w->born += e->count;
	w->bytes += e->bytes;
	b->user = 77;
}

static void watch_died(void *data, const struct heap_block *b, const struct sampling_estimate *e,
		       bool temporary, const struct trk_event *by)
{
	struct watched *w = data;

	assert_int_equal(b->user, 77);
	w->died += e->count;
	if (!b->aside)
		w->bytes -= e->bytes;
}

static void watch_aside(void *data, const struct heap_block *b,
			const struct sampling_estimate *e)
{
	struct watched *w = data;

	w->aside++;
	w->bytes += b->aside ? -e->bytes : e->bytes;
}

static void watch_grew(void *data, const struct heap_block *b, const struct sampling_estimate *e)
{
	((struct watched *)data)->bytes += e->bytes;
}

/* Any events, strange ones too: the observer's sums are the heap's. */
static void observers_see_what_the_totals_say(void **state)
{
	struct watched w = { 0 };
	const struct heap_observer o = { .data = &w, .born = watch_born, .grew = watch_grew, .died = watch_died, .aside = watch_aside };
	struct heap *h = NULL;
	uint64_t seed = 1;

	assert_int_equal(heap_new(&h, 1, &o), 0);
	for (int i = 0; i < 200000; i++) {
		const uint64_t page = random_next(&seed) % 64;
		const struct heap_totals *t;
		struct trk_event e = {
			.kind = (uint8_t)(1 + random_next(&seed) % TRK_CLEAR),
			.process = (uint32_t)(random_next(&seed) % 3),
			.thread = (uint32_t)(random_next(&seed) % 4),
			.address = random_next(&seed) % 40,
			.old_address = random_next(&seed) % 40,
			.size = random_next(&seed) % 1000,
			.old_size = random_next(&seed) % 10 * PAGE,
			.domain = (uint32_t)(random_next(&seed) % 2),
			.detail = (uint32_t)(random_next(&seed) % 25),
		};

		if (e.kind == TRK_EXEC && i % 50)
			continue;
		if (e.kind == TRK_MMAP || e.kind == TRK_MUNMAP || e.kind == TRK_MREMAP ||
		    e.kind >= TRK_RESERVE) {
			e.address = BASE + page * PAGE;
			e.old_address = BASE + random_next(&seed) % 64 * PAGE;
			e.size = random_next(&seed) % (10 * PAGE);
		}
		apply(h, e);
		if (i % 100)
			continue;
		t = heap_totals(h);
		assert_int_equal(w.bytes, t->live_bytes);
		assert_int_equal(w.born, t->allocations);
		assert_true(t->live_blocks <= t->allocations);
		assert_true(t->peak_bytes >= t->live_bytes);
	}
	assert_true(w.aside > 100);
	assert_true(w.died > 10000);
	heap_free(h);
}

/* Of that process alone; what is released later was never known, and the peak of what comes is the peak. */
static void a_clear_begins_anew(void **state)
{
	struct heap *h = new_heap(1);

	allocate(h, 0x1000, 100);
	apply(h, (struct trk_event){ .kind = TRK_MALLOC, .process = 1, .thread = 1, .address = 0x1000, .size = 50 });
	apply(h, (struct trk_event){ .kind = TRK_CLEAR });
	assert_int_equal(heap_totals(h)->live_bytes, 50);
	assert_int_equal(heap_totals(h)->peak_bytes, 50);
	assert_int_equal(heap_process_totals(h, 0)->peak_bytes, 0);
	assert_int_equal(heap_process_totals(h, 1)->peak_bytes, 50);
	apply(h, (struct trk_event){ .kind = TRK_FREE, .address = 0x1000 });
	allocate(h, 0x2000, 10);
	assert_int_equal(heap_totals(h)->frees, 0);
	assert_int_equal(heap_totals(h)->allocations, 3);
	assert_int_equal(heap_totals(h)->peak_bytes, 60);
	assert_int_equal(heap_process_totals(h, 0)->live_bytes, 10);
	assert_int_equal(heap_process_totals(h, 0)->peak_bytes, 10);
	heap_free(h);
}

/* More than stand in one piece of slots; half of them go, in another order than they came, and others come in their places. */
static void many_blocks_are_found(void **state)
{
	enum { MANY = 100000,
	       STEP = 40503 /* prime to MANY */ };
	struct heap *h = new_heap(1);
	uint64_t live = 0;

	for (uint64_t i = 0; i < MANY; i++) {
		allocate(h, BASE + 16 * i, i + 1);
		live += i + 1;
	}
	for (uint64_t i = 0, at = 0; i < MANY / 2; i++, at = (at + STEP) % MANY) {
		release(h, BASE + 16 * at);
		live -= at + 1;
		assert_int_equal(heap_totals(h)->live_bytes, live);
		allocate(h, BASE + 16 * (MANY + i), 5);
		live += 5;
	}
	assert_int_equal(heap_totals(h)->live_bytes, live);
	assert_int_equal(heap_totals(h)->live_blocks, MANY);
	assert_int_equal(heap_totals(h)->unmatched_frees, 0);
	heap_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(realloc_is_one_allocation_and_one_free),
		cmocka_unit_test(realloc_in_two_parts),
		cmocka_unit_test(strange_releases_are_counted),
		cmocka_unit_test(domains_are_apart),
		cmocka_unit_test(processes_have_addresses_of_their_own),
		cmocka_unit_test(what_the_dead_left_is_leaked_but_not_in_memory),
		cmocka_unit_test(ties_of_the_peak_go_to_the_later),
		cmocka_unit_test(temporaries_count_other_allocations),
		cmocka_unit_test(temporaries_of_a_growing_vector),
		cmocka_unit_test(many_blocks_are_found),
		cmocka_unit_test(only_the_own_thread_makes_a_temporary),
		cmocka_unit_test(observers_see_what_the_totals_say),
		cmocka_unit_test(a_clear_begins_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
