/* reserved - address space that is no heap: every page by a model of its own, through random calls. */
#include "unit.h"

#include "find_block.h"
#include "replay/heap.h"
#include "replay/heap_saved.h"

#define PAGE 4096ull
#define BASE 0x7f0000000000ull
#define PAGES 48u

enum page { NOTHING,
	    HEAP,
	    RESERVED,
	    UNTOUCHED,
	    TOUCHED };

struct model {
	enum page pages[PAGES];
	uint64_t peak;
};

static uint64_t count(const struct model *m, bool heap)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < PAGES; i++)
		n += heap ? m->pages[i] == HEAP || m->pages[i] == TOUCHED : m->pages[i] == RESERVED || m->pages[i] == UNTOUCHED;
	return n * PAGE;
}

/* What one event makes of a page. */
static enum page becomes(enum page was, const struct trk_event *e)
{
	const bool arena = was == UNTOUCHED || was == TOUCHED;

	switch (e->kind) {
	case TRK_MMAP:
		return HEAP;
	case TRK_RESERVE:
		return RESERVED;
	case TRK_ARENA:
		return UNTOUCHED;
	case TRK_MUNMAP:
		return NOTHING;
	case TRK_MPROTECT:
		if (e->detail == TRK_ACCESS_NONE)
			return was == NOTHING ? NOTHING : RESERVED;
		return was == RESERVED ? HEAP : was;
	case TRK_TOUCHED:
		return arena ? TOUCHED : was;
	case TRK_MADVISE:
		if (e->detail == TRK_POPULATE_WRITE)
			return arena ? TOUCHED : was;
		return arena && (e->detail == TRK_DONTNEED || e->detail == TRK_REMOVE) ? UNTOUCHED : was;
	default:
		return was;
	}
}

static void apply_model(struct model *m, const struct trk_event *e)
{
	const uint64_t first = (e->address - BASE) / PAGE;

	for (uint64_t i = first; i < first + e->size / PAGE; i++)
		m->pages[i] = becomes(m->pages[i], e);
	if (e->kind != TRK_MUNMAP && count(m, true) > m->peak)
		m->peak = count(m, true);
}

/* Moves one run of pages that are alike, and grows or shrinks it, as the kernel would. */
static void move_model(struct model *m, const struct trk_event *e)
{
	const uint64_t from = (e->old_address - BASE) / PAGE, n = e->old_size / PAGE;
	const uint64_t to = (e->address - BASE) / PAGE, more = e->size / PAGE;
	enum page moved[PAGES];

	for (uint64_t i = 0; i < more; i++) {
		const enum page was = m->pages[from + (i < n ? i : 0)];

		moved[i] = i < n ? was : was == TOUCHED ? UNTOUCHED :
							  was;
	}
	for (uint64_t i = 0; i < n; i++)
		m->pages[from + i] = NOTHING;
	for (uint64_t i = 0; i < more; i++)
		m->pages[to + i] = moved[i];
	if (count(m, true) > m->peak)
		m->peak = count(m, true);
}

/* One VMA's worth: pages of one mapping are alike, but for what of an arena is touched. */
static uint64_t run_at(const struct model *m, uint64_t at, uint64_t most)
{
	const enum page first = m->pages[at] == TOUCHED ? UNTOUCHED : m->pages[at];
	uint64_t n = 0;

	while (n < most && at + n < PAGES &&
	       (m->pages[at + n] == TOUCHED ? UNTOUCHED : m->pages[at + n]) == first)
		n++;
	return n;
}

static struct trk_event any_call(uint64_t *seed, const struct model *m)
{
	static const uint8_t kinds[] = { TRK_MMAP, TRK_RESERVE, TRK_RESERVE, TRK_ARENA, TRK_ARENA, TRK_MUNMAP,
					 TRK_MPROTECT, TRK_MPROTECT, TRK_MADVISE, TRK_TOUCHED, TRK_TOUCHED,
					 TRK_MREMAP };
	static const uint32_t advices[] = { TRK_DONTNEED, TRK_FREE_PAGES, TRK_REMOVE, TRK_POPULATE_READ,
					    TRK_POPULATE_WRITE, 14 };
	const uint64_t at = random_next(seed) % (PAGES - 12), pages = 1 + random_next(seed) % 12;
	struct trk_event e = { .kind = kinds[random_next(seed) % sizeof(kinds)], .address = BASE + at * PAGE, .size = pages * PAGE, .node = 1 };

	if (e.kind == TRK_MPROTECT)
		e.detail = (uint32_t)(random_next(seed) % 2);
	if (e.kind == TRK_MADVISE)
		e.detail = advices[random_next(seed) % 6];
	if (e.kind == TRK_MREMAP) {
		const uint64_t from = random_next(seed) % (PAGES - 12);

		e.old_address = BASE + from * PAGE;
		e.old_size = run_at(m, from, 1 + random_next(seed) % 12) * PAGE;
		if (m->pages[from] == NOTHING)
			e.kind = TRK_MUNMAP; /* the kernel refuses to move nothing */
	}
	return e;
}

struct watched {
	uint64_t born, bytes;
	int64_t live;
};

static void watch_born(void *data, struct heap_block *b, const struct sampling_estimate *e)
{
	struct watched *const w = data;

	w->born += e->count;
	w->bytes += e->bytes;
	w->live += (int64_t)e->count;
	assert_true(!b->reserved || e->bytes == 0);
}

static void watch_grew(void *data, const struct heap_block *b, const struct sampling_estimate *e)
{
	assert_true(b->arena && !b->untouched && e->count == 0);
	((struct watched *)data)->bytes += e->bytes;
}

static void watch_died(void *data, const struct heap_block *b, const struct sampling_estimate *e,
		       bool temporary, const struct trk_event *by)
{
	struct watched *const w = data;

	w->bytes -= e->bytes;
	w->live -= (int64_t)e->count;
	assert_false(temporary);
}

static void compare(struct heap *h, const struct model *m, const struct watched *w)
{
	const struct heap_totals *const t = heap_totals(h);

	assert_int_equal(t->live_bytes, count(m, true));
	assert_int_equal(t->reserved_bytes, count(m, false));
	assert_int_equal(t->bytes_allocated - t->bytes_freed, t->live_bytes);
	assert_int_equal(t->peak_bytes, m->peak);
	assert_true(t->most_reserved_bytes >= t->reserved_bytes);
	assert_int_equal(w->born, t->allocations);
	assert_int_equal(w->bytes, t->live_bytes);
	assert_int_equal(w->live, t->live_blocks);
	assert_int_equal(!t->reserved_bytes && !count(m, false), !t->reserved_bytes);
}

static void every_page_is_where_the_model_says(void **state)
{
	for (uint64_t run = 1; run <= 10; run++) {
		struct watched w = { 0 };
		const struct heap_observer o = { .data = &w, .born = watch_born, .grew = watch_grew, .died = watch_died };
		struct model m = { 0 };
		uint64_t seed = run;
		struct heap *h;

		assert_int_equal(heap_new(&h, 1, &o), 0);
		for (int i = 0; i < 3000; i++) {
			const struct trk_event e = any_call(&seed, &m);
			const bool minds = heap_minds(h, &e);
			const struct model before = m;

			if (e.kind == TRK_MREMAP)
				move_model(&m, &e);
			else
				apply_model(&m, &e);
			if (!minds && e.kind >= TRK_MPROTECT) /* what is left out changes nothing */
				assert_memory_equal(before.pages, m.pages, sizeof(m.pages));
			assert_int_equal(heap_apply(h, &e), 0);
			compare(h, &m, &w);
		}
		heap_free(h);
	}
}

/* ---- a heap that was written down goes on as the first ---- */

static struct heap_restorer restorer;

static void put_process(void *data, const struct keyframe_process *p)
{
	assert_int_equal(heap_restore_process(&restorer, p), 0);
}

static void put_block(void *data, const struct keyframe_block *b)
{
	assert_int_equal(heap_restore_block(&restorer, b), 0);
}

static struct heap *copy_of(const struct heap *h)
{
	const struct heap_saver saver = { .process = put_process, .block = put_block };
	struct heap *copy;

	assert_int_equal(heap_new(&copy, 1, NULL), 0);
	restorer = heap_restore(copy);
	assert_int_equal(heap_save(h, &saver), 0);
	heap_restore_end(&restorer, 0);
	heap_restore_finish(&restorer);
	return copy;
}

static void compare_heaps(struct heap *a, struct heap *b)
{
	const struct heap_totals t = *heap_totals(a), *const u = heap_totals(b);

	assert_int_equal(t.live_bytes, u->live_bytes);
	assert_int_equal(t.live_blocks, u->live_blocks);
	assert_int_equal(t.reserved_bytes, u->reserved_bytes);
	assert_int_equal(t.reserved_mappings, u->reserved_mappings);
}

static void what_was_written_down_goes_on(void **state)
{
	for (uint64_t run = 1; run <= 10; run++) {
		struct model m = { 0 };
		uint64_t seed = run * 77;
		struct heap *h, *copy = NULL;

		assert_int_equal(heap_new(&h, 1, NULL), 0);
		for (int i = 0; i < 600; i++) {
			const struct trk_event e = any_call(&seed, &m);

			if (e.kind == TRK_MREMAP)
				move_model(&m, &e);
			else
				apply_model(&m, &e);
			assert_int_equal(heap_apply(h, &e), 0);
			if (i == 300)
				copy = copy_of(h);
			else if (copy)
				assert_int_equal(heap_apply(copy, &e), 0);
			if (copy)
				compare_heaps(h, copy);
		}
		heap_free(h);
		heap_free(copy);
	}
}

/* ---- what counts as what ---- */

static void reservations_are_allocations_without_bytes(void **state)
{
	struct heap *h;
	const struct heap_totals *t;

	assert_int_equal(heap_new(&h, 1, NULL), 0);
	heap_apply(h, &(struct trk_event){ .kind = TRK_RESERVE, .address = BASE, .size = 8 * PAGE });
	t = heap_totals(h);
	assert_int_equal(t->allocations, 1);
	assert_int_equal(t->kind_count[TRK_MMAP], 1);
	assert_int_equal(t->frees, 0);
	assert_int_equal(t->live_blocks, 0);
	assert_int_equal(t->bytes_allocated, 0);
	assert_int_equal(t->reserved_mappings, 1);
	heap_apply(h, &(struct trk_event){ .kind = TRK_MPROTECT, .address = BASE + PAGE, .size = 2 * PAGE, .detail = TRK_ACCESS_SOME, .node = 7 });
	t = heap_totals(h);
	assert_int_equal(t->allocations, 2);
	assert_int_equal(t->kind_count[TRK_MPROTECT], 1);
	assert_int_equal(t->live_blocks, 1);
	assert_int_equal(t->live_bytes, 2 * PAGE);
	assert_int_equal(find_block(h, 0, BASE + PAGE)->node, 7);
	heap_apply(h, &(struct trk_event){ .kind = TRK_MPROTECT, .address = BASE + PAGE, .size = 2 * PAGE, .detail = TRK_ACCESS_NONE });
	t = heap_totals(h);
	assert_int_equal(t->frees, 1);
	assert_int_equal(t->live_blocks, 0);
	assert_int_equal(t->reserved_bytes, 8 * PAGE);
	assert_int_equal(t->peak_bytes, 2 * PAGE);
	assert_int_equal(t->peak_reserved_bytes, 6 * PAGE);
	heap_apply(h, &(struct trk_event){ .kind = TRK_MUNMAP, .address = BASE, .size = 8 * PAGE });
	t = heap_totals(h);
	assert_int_equal(t->frees, 2);
	assert_int_equal(t->reserved_bytes, 0);
	assert_int_equal(t->reserved_mappings, 0);
	assert_int_equal(t->most_reserved_bytes, 8 * PAGE);
	heap_free(h);
}

static void exec_and_the_end_leave_nothing_reserved(void **state)
{
	struct heap *h;

	assert_int_equal(heap_new(&h, 1, NULL), 0);
	for (uint32_t p = 0; p < 2; p++) {
		heap_apply(h, &(struct trk_event){ .kind = TRK_RESERVE, .address = BASE, .size = PAGE, .process = p });
		heap_apply(h, &(struct trk_event){ .kind = TRK_ARENA, .address = BASE + PAGE, .size = PAGE, .process = p });
	}
	heap_apply(h, &(struct trk_event){ .kind = TRK_EXEC });
	assert_int_equal(heap_process_totals(h, 0)->reserved_bytes, 0);
	assert_int_equal(heap_process_totals(h, 0)->live_blocks, 0);
	heap_end_process(h, 1);
	assert_int_equal(heap_process_totals(h, 1)->reserved_bytes, 2 * PAGE);
	heap_apply(h, &(struct trk_event){ .kind = TRK_MALLOC, .address = 64, .size = 10 });
	assert_int_equal(heap_totals(h)->peak_reserved_bytes, 0);
	assert_int_equal(heap_totals(h)->most_reserved_bytes, 4 * PAGE);
	heap_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_page_is_where_the_model_says),
		cmocka_unit_test(what_was_written_down_goes_on),
		cmocka_unit_test(reservations_are_allocations_without_bytes),
		cmocka_unit_test(exec_and_the_end_leave_nothing_reserved),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
