/*
 * refs - the heap with events that say which allocation they end: the same totals as without,
 * whether they are right, unknown or lies.
 */
#include "program.h"

#include <malloc.h>

#include "capture_file.h"
#include "find_block.h"
#include "format/predict.h"
#include "replay/heap.h"

enum { EVENTS = 150000,
       AFTER = 5000 };

static struct heap *new_heap(void)
{
	struct heap *h = NULL;

	assert_int_equal(heap_new(&h, 1, NULL), 0);
	return h;
}

static struct heap_totals apply(struct heap *h, struct trk_event e, uint32_t ref)
{
	e.ref = ref;
	assert_int_equal(heap_apply(h, &e), 0);
	return *heap_totals(h);
}

static int add_up(void *data, const struct heap_block *b)
{
	uint64_t *const sum = data;

	sum[0]++;
	sum[1] += b->size;
	sum[2] += b->address * (b->node + 1);
	return 0;
}

static void assert_same(const struct heap *a, const struct heap *b)
{
	uint64_t x[3] = { 0 }, y[3] = { 0 };

	assert_memory_equal(heap_totals(a), heap_totals(b), sizeof(struct heap_totals));
	heap_each(a, add_up, x);
	heap_each(b, add_up, y);
	assert_memory_equal(x, y, sizeof(x));
	assert_true(x[0] == heap_totals(a)->live_blocks && x[1] == heap_totals(a)->live_bytes);
}

static struct program *new_program(uint64_t seed, uint32_t lost_percent)
{
	struct program *const p = malloc(sizeof(*p));

	assert_non_null(p);
	program_init(p, seed, lost_percent);
	return p;
}

/* Some way into the program: what is old by then is not in the ring any more. */
static struct trk_event next(struct program *p, int i)
{
	return i % 40000 == 39999 ? program_exec(p) : program_next(p);
}

/* The books of the program against those of the heap. */
static void what_an_event_ended_is_found_out(void **unused)
{
	for (uint32_t lost = 0; lost < 6; lost += 5) {
		struct program *const p = new_program(3 + lost, lost);
		struct heap *const h = new_heap();

		p->most_live = 5000;
		for (int i = 0; i < EVENTS; i++) {
			const struct trk_event e = next(p, i);

			apply(h, e, TRK_REF_UNKNOWN);
			if (e.kind != TRK_REALLOC_WITHDRAW)
				assert_int_equal(heap_last_ref(h), e.ref);
		}
		assert_int_equal(heap_totals(h)->overwritten > 100, lost > 0);
		heap_free(h);
		free(p);
	}
}

static void known_refs_change_no_total(void **unused)
{
	for (uint32_t lost = 0; lost < 6; lost += 5) {
		struct program *const p = new_program(5 + lost, lost);
		struct heap *const unknown = new_heap(), *const known = new_heap();

		for (int i = 0; i < EVENTS; i++) {
			const struct trk_event e = next(p, i);

			apply(unknown, e, TRK_REF_UNKNOWN);
			apply(known, e, e.ref);
			if (i % AFTER == 0)
				assert_same(unknown, known);
		}
		assert_same(unknown, known);
		heap_free(unknown);
		heap_free(known);
		free(p);
	}
}

/* Now and then a ref is left out: loose blocks are looked for by address. */
static void refs_that_are_known_now_and_then_change_no_total(void **unused)
{
	for (uint32_t every = 2; every <= 5000; every *= 50) {
		struct program *const p = new_program(every, 2);
		struct heap *const unknown = new_heap(), *const mixed = new_heap();
		uint64_t seed = every;

		p->most_live = 6000;
		for (int i = 0; i < EVENTS; i++) {
			const struct trk_event e = next(p, i);

			apply(unknown, e, TRK_REF_UNKNOWN);
			apply(mixed, e, random_next(&seed) % every ? e.ref : TRK_REF_UNKNOWN);
			if (i % AFTER == 0)
				assert_same(unknown, mixed);
		}
		assert_same(unknown, mixed);
		heap_free(unknown);
		heap_free(mixed);
		free(p);
	}
}

/* Of releases, every lie is found out: to another address, to a dead block, out of range. */
static void releases_that_lie_change_no_total(void **unused)
{
	struct program *const p = new_program(8, 2);
	struct heap *const truth = new_heap(), *const lied_to = new_heap();
	uint64_t seed = 1;

	for (int i = 0; i < EVENTS; i++) {
		const struct trk_event e = next(p, i);
		const uint64_t any = random_next(&seed);
		uint32_t ref = e.ref;

		if (trk_kind_releases(e.kind) || e.kind == TRK_REALLOC_RELEASE ||
		    (e.kind == TRK_REALLOC && e.ref != TRK_REF_UNKNOWN && e.address && e.old_address))
			ref = any % 3 == 0 ? (uint32_t)any : any % 3 == 1 ? (uint32_t)(any % 50 + 1) :
									    TRK_REF_NONE;
		apply(truth, e, TRK_REF_UNKNOWN);
		apply(lied_to, e, ref);
		if (i % AFTER == 0)
			assert_same(truth, lied_to);
	}
	assert_same(truth, lied_to);
	heap_free(truth);
	heap_free(lied_to);
	free(p);
}

/* Any events with any refs: nothing is believed that would make the books contradict themselves. */
static void lies_of_any_kind_do_no_harm(void **unused)
{
	struct heap *const h = new_heap();
	uint64_t seed = 4;

	for (int i = 0; i < 400000; i++) {
		const uint64_t any = random_next(&seed);
		struct trk_event e = {
			.kind = (uint8_t)(1 + any % 31),
			.process = any >> 8 & 1,
			.thread = any >> 9 & 3,
			.address = any >> 11 & 63,
			.old_address = any >> 17 & 63,
			.size = any >> 23 & 1023,
			.old_size = any >> 33 & 1023,
			.domain = any >> 43 & 1,
			.ref = any >> 44 & 1 ? (uint32_t)(any >> 45 & 63) : TRK_REF_NONE,
		};
		uint64_t sum[3] = { 0 };

		if (e.kind == TRK_EXEC && i % 200)
			continue;
		assert_int_equal(heap_apply(h, &e), 0);
		if (i % AFTER)
			continue;
		heap_each(h, add_up, sum);
		assert_true(sum[1] == heap_totals(h)->live_bytes);
		assert_true(heap_totals(h)->live_blocks <= heap_totals(h)->allocations);
	}
	heap_free(h);
}

/* More blocks than the ring has places, released in the order of their birth. */
static void blocks_that_live_long_are_found(void **unused)
{
	enum { MANY = 100000 };
	struct heap *const h = new_heap();
	struct trk_event e = { .kind = TRK_MALLOC, .size = 3 };

	for (uint64_t i = 1; i <= MANY; i++) {
		e.address = i * 16;
		apply(h, e, TRK_REF_NONE);
	}
	assert_non_null(find_block(h, 0, 16));
	assert_non_null(find_block(h, 0, MANY * 16 + 2));
	assert_null(find_block(h, 0, MANY * 16 + 3));
	e.kind = TRK_FREE;
	for (uint64_t i = 1; i <= MANY; i++) {
		e.address = i * 16;
		apply(h, e, MANY + 1 - (uint32_t)i);
		assert_int_equal(heap_last_ref(h), MANY + 1 - i);
	}
	assert_int_equal(heap_totals(h)->live_blocks, 0);
	assert_int_equal(heap_totals(h)->frees, MANY);
	assert_int_equal(heap_totals(h)->unmatched_frees, 0);
	heap_free(h);
}

static void an_exec_leaves_no_refs(void **unused)
{
	struct heap *const h = new_heap();

	apply(h, (struct trk_event){ .kind = TRK_MALLOC, .address = 16, .size = 1 }, TRK_REF_NONE);
	apply(h, (struct trk_event){ .kind = TRK_EXEC }, TRK_REF_UNKNOWN);
	apply(h, (struct trk_event){ .kind = TRK_FREE, .address = 16 }, 1);
	assert_int_equal(heap_totals(h)->unmatched_frees, 1);
	assert_int_equal(heap_totals(h)->wiped_blocks, 1);
	apply(h, (struct trk_event){ .kind = TRK_MALLOC, .address = 16, .size = 2 }, TRK_REF_NONE);
	apply(h, (struct trk_event){ .kind = TRK_FREE, .address = 16 }, 1);
	assert_int_equal(heap_totals(h)->frees, 1);
	assert_int_equal(heap_last_ref(h), 1);
	heap_free(h);
}

/* What the recorder does: a heap finds the refs out, the capture keeps them, a reader believes them. */
static void a_capture_replays_as_it_was_recorded(void **unused)
{
	const struct capture_file f = capture_file_new();
	struct writer *const w = capture_file_writer(&f);
	struct program *const p = new_program(11, 3);
	struct heap *const recorder = new_heap(), *const reader = new_heap();
	struct cursor *k = NULL;
	struct capture *c;
	struct trk_event e;
	uint64_t refs = 0;

	writer_process(w, &(struct trk_process){ .parent = UINT32_MAX, .end_ns = UINT64_MAX, .name = "p" });
	for (uint32_t i = 0; i < PROGRAM_THREADS; i++)
		writer_thread(w, &(struct trk_thread){ .index = i, .tid = i + 1, .end_ns = UINT64_MAX, .name = "" });
	for (int i = 0; i < 2 * EVENTS; i++) {
		e = next(p, i);
		e.node = 0;
		apply(recorder, e, TRK_REF_UNKNOWN);
		e.ref = heap_last_ref(recorder);
		writer_event(w, &e);
		if (i % 30000 == 0)
			writer_flush(w);
	}
	capture_file_finish(w);
	c = capture_file_open(&f);
	assert_int_equal(cursor_open(&k, c, UINT32_MAX), 0);
	while (cursor_next(k, &e, NULL) == 0) {
		refs += e.ref != TRK_REF_UNKNOWN && e.ref != TRK_REF_NONE;
		assert_int_equal(heap_apply(reader, &e), 0);
	}
	assert_true(heap_totals(recorder)->overwritten > 100 && refs > EVENTS / 2);
	assert_same(recorder, reader);
	cursor_close(k);
	capture_close(c);
	close(f.fd);
	heap_free(recorder);
	heap_free(reader);
	free(p);
}

static size_t memory(void)
{
	const struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* Thousands of processes that live at the same time and do little, and some of them more. */
static void a_reader_of_thousands_of_processes_stays_small(void **unused)
{
	enum { PROCESSES = 5000,
	       ROUNDS = 40,
	       BUSY = 100 };
	const struct capture_file f = capture_file_new();
	struct writer *const w = capture_file_writer(&f);
	const size_t before = memory();
	size_t most = 0, events = 0, expected = 0;
	struct cursor *k = NULL;
	struct capture *c;
	struct trk_event e;

	for (uint32_t i = 0; i < PROCESSES; i++)
		writer_process(w, &(struct trk_process){ .index = i, .pid = i + 1, .parent = UINT32_MAX, .end_ns = UINT64_MAX, .name = "p" });
	for (uint32_t n = 0; n < ROUNDS; n++) {
		for (uint32_t i = 0; i < PROCESSES; i++) {
			for (uint32_t more = i % BUSY ? 1 : 20; more > 0; more--, expected++) {
				e = event_of(i, n * 1000, TRK_MALLOC, (expected + 1) * 16, 16);
				e.ref = TRK_REF_NONE;
				writer_event(w, &e);
			}
		}
	}
	assert_true(memory() - before < (size_t)PROCESSES * 40000);
	capture_file_finish(w);
	c = capture_file_open(&f);
	assert_int_equal(cursor_open(&k, c, UINT32_MAX), 0);
	while (cursor_next(k, &e, NULL) == 0) {
		if (++events % 10000 == 0 && memory() - before > most)
			most = memory() - before;
	}
	assert_int_equal(events, expected);
	assert_true(most < (size_t)PROCESSES * 20000);
	cursor_close(k);
	capture_close(c);
	close(f.fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_an_event_ended_is_found_out),
		cmocka_unit_test(known_refs_change_no_total),
		cmocka_unit_test(refs_that_are_known_now_and_then_change_no_total),
		cmocka_unit_test(releases_that_lie_change_no_total),
		cmocka_unit_test(lies_of_any_kind_do_no_harm),
		cmocka_unit_test(blocks_that_live_long_are_found),
		cmocka_unit_test(an_exec_leaves_no_refs),
		cmocka_unit_test(a_capture_replays_as_it_was_recorded),
		cmocka_unit_test(a_reader_of_thousands_of_processes_stays_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
