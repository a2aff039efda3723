/* resizes - the recorder over a hand-made segment: realloc and mremap, whole, in parts, failed. */
#include "segment.h"
#include "tools/record/ends.h"

#define SELF ((uint32_t)getpid())

/* ---- realloc ---- */

static void a_realloc_is_one_event(void **state)
{
	struct segment s = segment_new();
	struct fake_thread t;
	struct trk_event e;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	t = fake_thread(&s, 0, 0, SELF);
	fake_malloc(&s, &t, 1, 0x1000, 10);
	fake_realloc_begin(&s, &t, 1, 0x1000);
	fake_realloc_end(&s, &t, 1, WIRE_MOVED, 0x2000, 20);
	fake_realloc_begin(&s, &t, 1, 0x2000);
	segment_round(&s); /* its end is not there yet: it waits */
	assert_int_equal(s.r->counters.events, 2);
	fake_realloc_end(&s, &t, 1, WIRE_FAILED, 0x2000, 1ull << 60);
	segment_round(&s);
	segment_event(&s);
	e = segment_event(&s);
	assert_int_equal(e.kind, TRK_REALLOC);
	assert_int_equal(e.old_address, 0x1000);
	assert_int_equal(e.address, 0x2000);
	assert_int_equal(e.size, 20);
	e = segment_event(&s);
	assert_int_equal(e.kind, TRK_REALLOC);
	assert_int_equal(e.old_address, 0x2000);
	assert_int_equal(e.address, 0);
	assert_int_equal(e.size, 1ull << 60);
	segment_no_event(&s);
	segment_free(&s);
}

static void check_kinds(struct segment *s, const uint8_t *kinds, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_int_equal(segment_event(s).kind, kinds[i]);
	segment_no_event(s);
}

/* Another thread gets the released address before the realloc returns. */
static void a_realloc_that_others_interrupt_is_two_events(void **state)
{
	static const uint8_t kinds[] = { TRK_MALLOC, TRK_REALLOC_RELEASE, TRK_MALLOC,
					 TRK_REALLOC_ACQUIRE, TRK_FREE, TRK_REALLOC };
	struct segment s = segment_new();
	struct fake_thread a, b;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	a = fake_thread(&s, 0, 0, SELF);
	b = fake_thread(&s, 1, 0, SELF + 1);
	fake_malloc(&s, &a, 1, 0x1000, 10);
	fake_realloc_begin(&s, &a, 1, 0x1000);
	fake_malloc(&s, &b, 2, 0x1000, 5);
	fake_realloc_end(&s, &a, 3, WIRE_MOVED, 0x3000, 30);
	fake_realloc_begin(&s, &a, 3, 0x3000);
	fake_free(&s, &b, 4, 0x1000);
	fake_realloc_end(&s, &a, 5, WIRE_FAILED, 0x3000, 40);
	segment_round(&s);
	assert_int_equal(heap_totals(s.r->heap)->live_blocks, 1);
	assert_int_equal(heap_totals(s.r->heap)->live_bytes, 30);
	check_kinds(&s, kinds, sizeof(kinds));
	segment_free(&s);
}

/* Both parts say of which call they are, and the second one who asked. */
static void the_parts_of_a_reallocarray(void **state)
{
	struct segment s = segment_new();
	struct fake_thread a, b;
	struct trk_event e;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	a = fake_thread(&s, 0, 0, SELF);
	b = fake_thread(&s, 1, 0, SELF + 1);
	a.resize = TRK_REALLOCARRAY;
	fake_malloc(&s, &a, 1, 0x1000, 10);
	fake_realloc_begin(&s, &a, 1, 0x1000);
	fake_malloc(&s, &b, 2, 0x1000, 5);
	fake_realloc_end(&s, &a, 3, WIRE_MOVED, 0x3000, 30);
	segment_round(&s);
	assert_int_equal(heap_totals(s.r->heap)->kind_count[TRK_REALLOCARRAY], 1);
	segment_event(&s);
	e = segment_event(&s);
	assert_int_equal(e.kind, TRK_REALLOC_RELEASE);
	assert_int_equal(e.call, TRK_REALLOCARRAY);
	segment_event(&s);
	e = segment_event(&s);
	assert_int_equal(e.kind, TRK_REALLOC_ACQUIRE);
	assert_int_equal(e.call, TRK_REALLOCARRAY);
	assert_int_equal(e.old_address, 0x1000);
	assert_int_equal(e.address, 0x3000);
	segment_free(&s);
}

/* A failed call says who asked, whole or in parts. */
static void a_realloc_that_fails_has_a_stack(void **state)
{
	struct segment s = segment_new();
	struct fake_thread t;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	t = fake_thread(&s, 0, 0, SELF);
	fake_malloc_stack(&s, &t, 1, 0x1000, 10, (const uint64_t[]){ 0x400100, 0x400200 }, 2);
	fake_realloc_begin(&s, &t, 1, 0x1000);
	fake_realloc_end(&s, &t, 1, WIRE_FAILED, 0x1000, 1ull << 60);
	fake_realloc_begin(&s, &t, 1, 0x1000);
	for (int i = 0; i < 6; i++)
		segment_round(&s);
	fake_realloc_end(&s, &t, 1, WIRE_FAILED, 0x1000, 1ull << 60);
	segment_round(&s);
	const uint32_t node = segment_event(&s).node;

	assert_int_not_equal(node, 0);
	for (int i = 0; i < 3; i++) {
		static const uint8_t kinds[] = { TRK_REALLOC, TRK_REALLOC_RELEASE, TRK_REALLOC_WITHDRAW };
		const struct trk_event e = segment_event(&s);

		assert_int_equal(e.kind, kinds[i]);
		assert_int_equal(e.size, i == 1 ? 0 : 1ull << 60);
		assert_int_equal(e.node, i == 1 ? 0 : node);
	}
	segment_free(&s);
}

/* A realloc that takes long must not hold up the others for ever. */
static void a_slow_realloc_is_split(void **state)
{
	static const uint8_t kinds[] = { TRK_REALLOC_RELEASE, TRK_MALLOC, TRK_REALLOC_ACQUIRE };
	struct segment s = segment_new();
	struct fake_thread a, b;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	a = fake_thread(&s, 0, 0, SELF);
	b = fake_thread(&s, 1, 0, SELF + 1);
	fake_realloc_begin(&s, &a, 1, 0x1000);
	fake_malloc(&s, &b, 2, 0x2000, 5);
	segment_round(&s);
	assert_int_equal(s.r->counters.events, 0);
	for (int i = 0; i < 5; i++)
		segment_round(&s);
	assert_int_equal(s.r->counters.events, 2);
	fake_realloc_end(&s, &a, 3, WIRE_MOVED, 0x3000, 30);
	segment_round(&s);
	check_kinds(&s, kinds, sizeof(kinds));
	segment_free(&s);
}

static void a_process_killed_inside_realloc(void **state)
{
	static const uint8_t kinds[] = { TRK_MALLOC, TRK_REALLOC_RELEASE };
	struct segment s = segment_new();
	struct fake_thread t;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	t = fake_thread(&s, 0, 0, SELF);
	fake_malloc(&s, &t, 1, 0x1000, 10);
	fake_realloc_begin(&s, &t, 1, 0x1000);
	segment_round(&s);
	ends_set(s.r, s.r->processes[0]);
	segment_round(&s);
	assert_true(s.r->processes[0]->gone);
	check_kinds(&s, kinds, sizeof(kinds));
	segment_free(&s);
}

static void an_end_without_a_begin_breaks_only_its_thread(void **state)
{
	struct segment s = segment_new();
	struct fake_thread a, b;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	a = fake_thread(&s, 0, 0, SELF);
	b = fake_thread(&s, 1, 0, SELF + 1);
	fake_realloc_end(&s, &a, 1, WIRE_MOVED, 0x1000, 10);
	fake_malloc(&s, &a, 1, 0x1000, 10);
	fake_malloc(&s, &b, 2, 0x2000, 5);
	segment_round(&s);
	assert_int_equal(s.r->counters.corrupt, 1);
	assert_int_equal(segment_event(&s).kind, TRK_GAP);
	assert_int_equal(segment_event(&s).address, 0x2000);
	segment_no_event(&s);
	segment_free(&s);
}

/* ---- mremap ---- */

#define PAGE 4096ull

static void an_mremap_is_one_event(void **state)
{
	static const uint8_t kinds[] = { TRK_MMAP, TRK_MREMAP, TRK_MREMAP };
	struct segment s = segment_new();
	struct fake_thread t;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	t = fake_thread(&s, 0, 0, SELF);
	fake_mmap(&s, &t, 1, 10 * PAGE, 2 * PAGE);
	fake_mremap_begin(&s, &t, 1, 10 * PAGE, 2 * PAGE);
	segment_round(&s);
	assert_int_equal(s.r->counters.events, 1);
	fake_mremap(&s, &t, 1, 10 * PAGE, 2 * PAGE, 20 * PAGE, 3 * PAGE);
	fake_mremap_begin(&s, &t, 1, 20 * PAGE, 3 * PAGE);
	fake_mremap(&s, &t, 1, 20 * PAGE, 3 * PAGE, 0, 0); /* failed: nothing happened */
	segment_round(&s);
	assert_int_equal(heap_totals(s.r->heap)->live_bytes, 3 * PAGE);
	check_kinds(&s, kinds, sizeof(kinds));
	segment_free(&s);
}

/* Another thread is given the old range before the mremap returns. */
static void an_mremap_that_others_interrupt_is_two_events(void **state)
{
	static const uint8_t kinds[] = { TRK_MMAP, TRK_REALLOC_RELEASE, TRK_MMAP, TRK_REALLOC_ACQUIRE };
	struct segment s = segment_new();
	struct fake_thread a, b;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	a = fake_thread(&s, 0, 0, SELF);
	b = fake_thread(&s, 1, 0, SELF + 1);
	fake_mmap(&s, &a, 1, 10 * PAGE, 2 * PAGE);
	fake_mremap_begin(&s, &a, 1, 10 * PAGE, 2 * PAGE);
	fake_mmap(&s, &b, 2, 10 * PAGE, 1 * PAGE);
	fake_mremap(&s, &a, 3, 10 * PAGE, 2 * PAGE, 20 * PAGE, 3 * PAGE);
	segment_round(&s);
	assert_int_equal(heap_totals(s.r->heap)->live_bytes, 4 * PAGE);
	assert_int_equal(heap_totals(s.r->heap)->live_blocks, 2);
	assert_int_equal(heap_totals(s.r->heap)->unmatched_frees, 0);
	check_kinds(&s, kinds, sizeof(kinds));
	segment_free(&s);
}

/* It failed, or what it moved is a file's mapping. */
static void an_interrupted_mremap_of_nothing_stays_nothing(void **state)
{
	static const uint8_t kinds[] = { TRK_MMAP, TRK_MALLOC, TRK_MREMAP, TRK_MALLOC, TRK_MREMAP };
	struct segment s = segment_new();
	struct fake_thread a, b;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	a = fake_thread(&s, 0, 0, SELF);
	b = fake_thread(&s, 1, 0, SELF + 1);
	fake_mmap(&s, &a, 1, 10 * PAGE, 2 * PAGE);
	fake_mremap_begin(&s, &a, 1, 10 * PAGE, 2 * PAGE);
	fake_malloc(&s, &b, 2, 0x100, 1);
	fake_mremap(&s, &a, 3, 10 * PAGE, 2 * PAGE, 0, 0);
	fake_mremap_begin(&s, &a, 3, 50 * PAGE, 2 * PAGE); /* not recorded: a file */
	fake_malloc(&s, &b, 4, 0x200, 1);
	fake_mremap(&s, &a, 5, 50 * PAGE, 2 * PAGE, 60 * PAGE, 3 * PAGE);
	segment_round(&s);
	assert_int_equal(heap_totals(s.r->heap)->live_bytes, 2 * PAGE + 2);
	assert_int_equal(heap_totals(s.r->heap)->live_blocks, 3);
	check_kinds(&s, kinds, sizeof(kinds));
	segment_free(&s);
}

/* It is released before its end is known, and comes back when the call has failed. */
static void a_slow_mremap_is_split(void **state)
{
	static const uint8_t kinds[] = { TRK_MMAP, TRK_REALLOC_RELEASE, TRK_MALLOC,
					 TRK_REALLOC_WITHDRAW };
	struct segment s = segment_new();
	struct fake_thread a, b;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	a = fake_thread(&s, 0, 0, SELF);
	b = fake_thread(&s, 1, 0, SELF + 1);
	fake_mmap(&s, &a, 1, 10 * PAGE, 2 * PAGE);
	fake_mremap_begin(&s, &a, 1, 10 * PAGE, 2 * PAGE);
	fake_malloc(&s, &b, 2, 0x100, 1);
	for (int i = 0; i < 6; i++)
		segment_round(&s);
	assert_int_equal(s.r->counters.events, 3);
	fake_mremap(&s, &a, 3, 10 * PAGE, 2 * PAGE, 0, 0);
	segment_round(&s);
	assert_int_equal(heap_totals(s.r->heap)->live_bytes, 2 * PAGE + 1);
	check_kinds(&s, kinds, sizeof(kinds));
	segment_free(&s);
}

/* Of a sampled recording: what a realloc made is not recorded, so the block just ends. */
static void a_realloc_into_what_is_not_recorded_is_a_free(void **state)
{
	static const uint8_t kinds[] = { TRK_MALLOC, TRK_FREE };
	struct segment s = segment_new();
	struct fake_thread t;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	t = fake_thread(&s, 0, 0, SELF);
	fake_malloc(&s, &t, 1, 0x1000, 10);
	fake_realloc_begin(&s, &t, 1, 0x1000);
	fake_realloc_end(&s, &t, 1, WIRE_FREED, 0, 30);
	segment_round(&s);
	assert_int_equal(heap_totals(s.r->heap)->live_blocks, 0);
	assert_int_equal(heap_totals(s.r->heap)->unmatched_frees, 0);
	check_kinds(&s, kinds, sizeof(kinds));
	segment_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_realloc_is_one_event),
		cmocka_unit_test(a_realloc_that_others_interrupt_is_two_events),
		cmocka_unit_test(the_parts_of_a_reallocarray),
		cmocka_unit_test(a_realloc_that_fails_has_a_stack),
		cmocka_unit_test(a_slow_realloc_is_split),
		cmocka_unit_test(a_process_killed_inside_realloc),
		cmocka_unit_test(an_end_without_a_begin_breaks_only_its_thread),
		cmocka_unit_test(an_mremap_is_one_event),
		cmocka_unit_test(an_mremap_that_others_interrupt_is_two_events),
		cmocka_unit_test(an_interrupted_mremap_of_nothing_stays_nothing),
		cmocka_unit_test(a_slow_mremap_is_split),
		cmocka_unit_test(a_realloc_into_what_is_not_recorded_is_a_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
