/*
 * keyframe - a live set written down and taken up again: from there on all goes as in a heap
 * that never stopped. Keyframes that lie: test_keyframe_hostile.c.
 */
#include "keyframe_events.h"

/* ---- a live set as a list ---- */

struct list {
	uint32_t processes; /* of those below it */
	struct heap_block *blocks;
	size_t count, room;
};

static int take(void *data, const struct heap_block *b)
{
	struct list *const l = data;

	if (b->process >= l->processes)
		return 0;
	if (l->count == l->room) {
		l->room = 2 * l->room + 64;
		l->blocks = realloc(l->blocks, l->room * sizeof(*l->blocks));
		assert_non_null(l->blocks);
	}
	l->blocks[l->count++] = *b;
	return 0;
}

static int by_place(const void *x, const void *y)
{
	const struct heap_block *const a = x, *const b = y;
	const uint64_t ka[] = { a->process, a->domain, a->address };
	const uint64_t kb[] = { b->process, b->domain, b->address };

	for (size_t i = 0; i < 3; i++)
		if (ka[i] != kb[i])
			return ka[i] < kb[i] ? -1 : 1;
	return 0;
}

static struct list list_of(const struct heap *h, uint32_t processes)
{
	struct list l = { .processes = processes };

	heap_each(h, take, &l);
	if (l.count)
		qsort(l.blocks, l.count, sizeof(*l.blocks), by_place);
	return l;
}

/* Of the processes below that one: those that have not ended. */
static void assert_same(const struct heap *a, const struct heap *b, const struct seen *sa,
			const struct seen *sb, uint32_t processes)
{
	const struct list la = list_of(a, processes), lb = list_of(b, processes);

	assert_int_equal(la.count, lb.count);
	for (size_t i = 0; i < la.count; i++) {
		const struct heap_block *const x = &la.blocks[i], *const y = &lb.blocks[i];

		assert_int_equal(by_place(x, y), 0);
		assert_true(x->size == y->size && x->time_ns == y->time_ns && x->kind == y->kind &&
			    x->thread == y->thread && x->node == y->node);
	}
	for (uint32_t p = 0; p < processes; p++) {
		const struct heap_totals *const ta = heap_process_totals(a, p);
		const struct heap_totals *const tb = heap_process_totals(b, p);

		assert_true(ta->live_bytes == tb->live_bytes && ta->live_blocks == tb->live_blocks);
	}
	assert_true(heap_now_bytes(a) == heap_now_bytes(b));
	assert_true(heap_now_blocks(a) == heap_now_blocks(b));
	for (size_t i = 0; i < 5 && processes == PROCESSES; i++)
		assert_true(sa->bytes[i] == sb->bytes[i] && sa->blocks[i] == sb->blocks[i]);
	free(la.blocks);
	free(lb.blocks);
}

/* ---- a heap through the bytes into another one ---- */

struct carrying {
	struct keyframe_coder *coder;
	struct heap_restorer restorer;
	uint32_t part, items;
};

static void put_part(struct carrying *c, bool last)
{
	struct keyframe_decoder d;
	struct keyframe_block b;
	uint32_t bytes, items, got_items = 0;
	const uint8_t *const raw = keyframe_end(c->coder, last, &bytes, &items);
	int got;

	assert_non_null(raw);
	assert_true(bytes <= TRK_BLOCK_RAW_MAX);
	assert_int_equal(keyframe_open(&d, raw, bytes), 0);
	assert_int_equal(d.head.part, c->part);
	assert_int_equal(d.head.last, last);
	assert_int_equal(d.head.events, 17);
	while ((got = keyframe_next(&d, &b)) != TRK_END) {
		assert_true(got >= 0);
		got_items += got == KEYFRAME_BLOCK;
		assert_int_equal(got == KEYFRAME_BLOCK ? heap_restore_block(&c->restorer, &b) :
							 heap_restore_process(&c->restorer, &d.process),
				 0);
	}
	assert_int_equal(got_items, items);
	c->items += items;
	c->part++;
}

static void begin_part(struct carrying *c)
{
	keyframe_begin(c->coder, &(struct keyframe_head){ .events = 17, .marks = 3, .part = c->part });
}

static void put_process(void *data, const struct keyframe_process *p)
{
	keyframe_process(((struct carrying *)data)->coder, p);
}

static void put_block(void *data, const struct keyframe_block *b)
{
	struct carrying *const c = data;

	if (keyframe_full(c->coder)) {
		put_part(c, false);
		begin_part(c);
	}
	keyframe_block(c->coder, b);
}

/* Returns the number of parts. */
static uint32_t carry(const struct heap *from, struct heap *to)
{
	struct carrying c = { .coder = keyframe_coder_new(), .restorer = heap_restore(to) };
	const struct heap_saver saver = { .data = &c, .process = put_process, .block = put_block };

	assert_non_null(c.coder);
	begin_part(&c);
	assert_int_equal(heap_save(from, &saver), 0);
	put_part(&c, true);
	heap_restore_end(&c.restorer, clock_ns);
	heap_restore_finish(&c.restorer);
	keyframe_coder_free(c.coder);
	return c.part;
}

/* At many places: a second heap begins there, and both go on alike. */
static void goes_on_as_the_first(void **state)
{
	uint64_t seed = 7, freed = 0, temporary = 0;

	(void)state;
	clock_ns = 1;
	for (uint32_t round = 0; round < 60; round++) {
		struct seen sa, sb;
		struct heap *const a = heap_with(&sa), *const b = heap_with(&sb);
		const uint64_t before = 10 + random_next(&seed) % 3000, after = 2000;
		const bool ends = round % 3 == 0; /* process 2, before */
		const uint32_t alive = ends ? 2 : PROCESSES;

		for (uint64_t i = 0; i < before + after; i++) {
			const struct trk_event e = next_event(&seed);

			if (i == before) {
				carry(a, b);
				assert_same(a, b, &sa, &sb, alive);
			}
			if (i == before / 2 && ends)
				heap_end_process(a, 2);
			if (e.process == 2 && ends && i >= before / 2)
				continue;
			assert_int_equal(heap_apply(a, &e), 0);
			if (i >= before)
				assert_int_equal(heap_apply(b, &e), 0);
		}
		assert_same(a, b, &sa, &sb, alive);
		freed += sb.freed;
		temporary += sb.temporary;
		heap_free(a);
		heap_free(b);
	}
	assert_true(freed > 1000);
	assert_int_equal(temporary, 0);
}

/* A realloc in two parts that is open, a mapping cut into three, its rest unmapped later. */
static void pieces_of_one_mapping_stay_one_block(void **state)
{
	const uint64_t base = 0x7f0000000000ull;
	const struct trk_event before[] = {
		event_of(0, 1, TRK_MMAP, base, 10 * 4096 + 100),
		event_of(0, 2, TRK_MUNMAP, base + 4096, 4096),
		event_of(0, 3, TRK_MUNMAP, base + 6 * 4096, 8192),
		event_of(0, 4, TRK_MALLOC, 0x1000, 64),
		{ .kind = TRK_REALLOC_RELEASE, .old_address = 0x1000, .thread = 3, .time_ns = 5 },
		event_of(0, 6, TRK_MALLOC, 0x1000, 32), /* its place is given out again */
	};
	struct seen sa, sb;
	struct heap *const a = heap_with(&sa), *const b = heap_with(&sb);
	struct trk_event e = event_of(0, 9, TRK_REALLOC_ACQUIRE, 0x2000, 128);

	(void)state;
	for (size_t i = 0; i < sizeof(before) / sizeof(*before); i++)
		assert_int_equal(heap_apply(a, &before[i]), 0);
	carry(a, b);
	assert_int_equal(heap_process_totals(b, 0)->live_blocks, 2);
	assert_int_equal(heap_process_totals(b, 0)->live_bytes, 7 * 4096 + 100 + 32);
	assert_int_equal(heap_process_totals(b, 0)->restored_blocks, 3);
	assert_int_equal(heap_process_totals(b, 0)->allocations, 0);
	e.old_address = 0x1000;
	e.thread = 3;
	assert_int_equal(heap_apply(b, &e), 0);
	assert_int_equal(heap_process_totals(b, 0)->frees, 1);
	assert_int_equal(heap_process_totals(b, 0)->unmatched_frees, 0);
	assert_int_equal(heap_process_totals(b, 0)->live_blocks, 3);
	e = event_of(0, 10, TRK_MUNMAP, base, 4096);
	assert_int_equal(heap_apply(b, &e), 0);
	assert_int_equal(heap_process_totals(b, 0)->frees, 1);
	e = event_of(0, 10, TRK_MUNMAP, base, 20 * 4096);
	assert_int_equal(heap_apply(b, &e), 0);
	assert_int_equal(heap_process_totals(b, 0)->frees, 2);
	assert_int_equal(heap_process_totals(b, 0)->live_bytes, 128 + 32);
	heap_free(a);
	heap_free(b);
}

static void many_blocks_take_several_parts(void **state)
{
	struct seen sa, sb;
	struct heap *const a = heap_with(&sa), *const b = heap_with(&sb);
	uint64_t seed = 3;

	(void)state;
	for (uint32_t i = 0; i < 300000; i++) {
		struct trk_event e = event_of(i % 2, i, TRK_MALLOC, random_next(&seed) & ~15ull,
					      random_next(&seed) % 100000);

		e.node = i % 5;
		assert_int_equal(heap_apply(a, &e), 0);
	}
	assert_true(carry(a, b) > 2);
	assert_same(a, b, &sa, &sb, PROCESSES);
	heap_free(a);
	heap_free(b);
}

static void begins_here_with_what_is_live(void **state)
{
	struct seen s;
	struct heap *const h = heap_with(&s);
	struct trk_event e;

	(void)state;
	for (uint32_t i = 1; i <= 10; i++) {
		e = event_of(0, i, TRK_MALLOC, i * 0x100, 10);
		assert_int_equal(heap_apply(h, &e), 0);
	}
	e = event_of(1, 11, TRK_MALLOC, 0x100, 1000);
	assert_int_equal(heap_apply(h, &e), 0);
	heap_end_process(h, 1);
	heap_begin_here(h, 12);
	assert_int_equal(heap_events(h), 0);
	assert_int_equal(heap_totals(h)->allocations, 0);
	assert_int_equal(heap_totals(h)->live_bytes, 100);
	assert_int_equal(heap_totals(h)->restored_blocks, 10);
	assert_int_equal(heap_totals(h)->peak_bytes, 100);
	e = event_of(0, 13, TRK_FREE, 0xa00, 0);
	assert_int_equal(heap_apply(h, &e), 0);
	assert_int_equal(heap_totals(h)->frees, 1);
	assert_int_equal(heap_totals(h)->temporary, 0);
	heap_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_on_as_the_first),
		cmocka_unit_test(pieces_of_one_mapping_stay_one_block),
		cmocka_unit_test(many_blocks_take_several_parts),
		cmocka_unit_test(begins_here_with_what_is_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
