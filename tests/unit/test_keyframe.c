/*
 * keyframe - a live set written down and taken up again: from there on all goes as in a heap
 * that never stopped. And keyframes that lie.
 */
#include "capture_file.h"

#include <stdlib.h>

#include "format/keyframe.h"
#include "replay/heap.h"
#include "replay/heap_saved.h"
#include "replay/heap_keyframe.h"

#define PROCESSES 3u
#define THREADS 4u

/* ---- events of all kinds, about few addresses, so that they meet ---- */

static uint64_t clock_ns;

static uint64_t heap_address(uint64_t *seed)
{
	return 0x10000 + random_next(seed) % 200 * 16 + (random_next(seed) % 50 == 0 ? 8 : 0);
}

static uint64_t page_address(uint64_t *seed)
{
	return 0x7f0000000000ull + random_next(seed) % 64 * 4096 +
	       (random_next(seed) % 40 == 0 ? 24 : 0);
}

static const uint8_t kinds[] = {
	TRK_MALLOC, TRK_MALLOC, TRK_MALLOC, TRK_CALLOC, TRK_NEW, TRK_NEW_ARRAY, TRK_MEMALIGN, TRK_REALLOC,
	TRK_REALLOCARRAY, TRK_MMAP, TRK_MMAP, TRK_MREMAP, TRK_TRACK, TRK_FREE, TRK_FREE, TRK_DELETE,
	TRK_MUNMAP, TRK_MUNMAP, TRK_UNTRACK, TRK_REALLOC_RELEASE, TRK_REALLOC_ACQUIRE,
	TRK_REALLOC_WITHDRAW, TRK_MARK, TRK_REGION_BEGIN, TRK_GAP
};

static struct trk_event next_event(uint64_t *seed)
{
	const bool execs = random_next(seed) % 4000 == 0;
	const uint8_t kind = execs ? TRK_EXEC : kinds[random_next(seed) % sizeof(kinds)];
	const bool pages = trk_kind_is_piece(kind) || kind == TRK_MUNMAP;
	struct trk_event e = event_of((uint32_t)(random_next(seed) % PROCESSES),
				      clock_ns += random_next(seed) % 3, kind,
				      pages ? page_address(seed) : heap_address(seed),
				      random_next(seed) % (pages ? 60000 : 2000));

	e.thread = (uint32_t)(random_next(seed) % THREADS);
	e.node = trk_kind_allocates(kind) ? (uint32_t)(random_next(seed) % 5) : 0;
	e.old_address = kind == TRK_MREMAP ? page_address(seed) : heap_address(seed);
	e.old_size = random_next(seed) % 20000;
	if (kind == TRK_TRACK || kind == TRK_UNTRACK)
		e.domain = (uint32_t)(random_next(seed) % 3);
	if (kind == TRK_REALLOC && random_next(seed) % 8 == 0)
		e.address = 0;
	return e;
}

/* ---- what an observer sums ---- */

struct seen {
	int64_t bytes[5], blocks[5]; /* by node: allocated before, live now */
	uint64_t temporary, restored, freed;
};

static void born(void *data, struct heap_block *b, const struct sampling_estimate *e)
{
	struct seen *const s = data;

	b->user = b->node;
	s->bytes[b->node] += (int64_t)e->bytes;
	s->blocks[b->node] += (int64_t)e->count;
}

static void died(void *data, const struct heap_block *b, const struct sampling_estimate *e,
		 bool temporary, const struct trk_event *by)
{
	struct seen *const s = data;

	assert_int_equal(b->user, b->node);
	s->temporary += temporary && b->restored;
	s->freed += b->restored;
	if (b->aside)
		return;
	s->bytes[b->node] -= (int64_t)e->bytes;
	s->blocks[b->node] -= (int64_t)e->count;
	(void)by;
}

static void aside(void *data, const struct heap_block *b, const struct sampling_estimate *e)
{
	struct seen *const s = data;
	const int sign = b->aside ? -1 : 1;

	s->bytes[b->node] += sign * (int64_t)e->bytes;
	s->blocks[b->node] += sign * (int64_t)e->count;
}

static void restored(void *data, struct heap_block *b, const struct sampling_estimate *e,
		     uint64_t asked)
{
	struct seen *const s = data;

	assert_true(b->restored);
	assert_true(asked >= b->size);
	b->user = b->node;
	s->restored++;
	if (b->aside)
		return;
	s->bytes[b->node] += (int64_t)e->bytes;
	s->blocks[b->node] += (int64_t)e->count;
}

static struct heap *heap_with(struct seen *s)
{
	const struct heap_observer o = { .data = s, .born = born, .died = died, .aside = aside, .restored = restored };
	struct heap *h = NULL;

	*s = (struct seen){ 0 };
	assert_int_equal(heap_new(&h, 1, &o), 0);
	return h;
}

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

/* ---- hostile ones ---- */

static int restore_all(const uint8_t *raw, size_t bytes)
{
	struct keyframe_decoder d;
	struct keyframe_block b;
	struct seen s;
	struct heap *const h = heap_with(&s);
	struct heap_restorer r = heap_restore(h);
	int err = keyframe_open(&d, raw, bytes), got;

	while (!err && (got = keyframe_next(&d, &b)) != TRK_END) {
		if (got == KEYFRAME_BLOCK && b.node >= 5)
			b.node = 0;
		err = got == KEYFRAME_BLOCK   ? heap_restore_block(&r, &b) :
		      got == KEYFRAME_PROCESS ? d.process.index < 100 ?
						heap_restore_process(&r, &d.process) :
						TRK_ERR_CORRUPT :
						got;
	}
	for (uint32_t i = 0; i < 200; i++) { /* whatever it became, it bears events */
		uint64_t seed = i + 1;
		const struct trk_event e = next_event(&seed);

		(void)heap_apply(h, &e);
	}
	heap_restore_finish(&r);
	heap_free(h);
	return err;
}

static uint8_t *encoded(const struct keyframe_block *blocks, size_t count, uint32_t *ret_bytes)
{
	struct keyframe_coder *const c = keyframe_coder_new();
	uint32_t items;
	const uint8_t *raw;
	uint8_t *copy;

	keyframe_begin(c, &(struct keyframe_head){ .events = 1 });
	keyframe_process(c, &(struct keyframe_process){ .index = 0 });
	for (size_t i = 0; i < count; i++)
		keyframe_block(c, &blocks[i]);
	raw = keyframe_end(c, true, ret_bytes, &items);
	assert_non_null(raw);
	copy = malloc(*ret_bytes + 1);
	assert_non_null(copy);
	memcpy(copy, raw, *ret_bytes);
	keyframe_coder_free(c);
	return copy;
}

static void expect_refused(const struct keyframe_block *blocks, size_t count)
{
	uint32_t bytes;
	uint8_t *const raw = encoded(blocks, count, &bytes);

	assert_int_equal(restore_all(raw, bytes), TRK_ERR_CORRUPT);
	free(raw);
}

static void contradictions_are_refused(void **state)
{
	const struct keyframe_block block = { .address = 16, .size = 5, .kind = TRK_MALLOC };
	const struct keyframe_block piece = { .address = 0x1000, .size = 5, .asked = 5, .end = 0x2000, .kind = TRK_MMAP };
	struct keyframe_block two[2] = { block, block };

	(void)state;
	expect_refused(two, 2); /* at one address */
	two[0] = two[1] = piece;
	expect_refused(two, 2); /* pieces that meet */
	two[1].address = 0x1fff;
	two[1].end = 0x3000;
	expect_refused(two, 2);
	two[1].address = 0x2000;
	two[1].back = 2;
	expect_refused(two, 2); /* of a mapping that is not there */
	two[0].end = two[0].address; /* no pages: the size goes beyond the end, too */
	expect_refused(two, 1);
	two[0] = piece;
	two[0].size = UINT64_MAX;
	expect_refused(two, 1);
	two[0] = block;
	two[0].kind = TRK_FREE;
	expect_refused(two, 1);
	two[0] = block;
	two[0].aside = true;
	two[0].aside_thread = 0x7fffffff;
	expect_refused(two, 1);
}

static void any_bytes_are_borne(void **state)
{
	struct seen s;
	struct heap *const h = heap_with(&s);
	struct keyframe_block blocks[40];
	uint64_t seed = 99;
	uint32_t bytes;
	uint8_t *raw;

	(void)state;
	for (uint32_t i = 0; i < 40; i++)
		blocks[i] = (struct keyframe_block){
			.address = 0x1000 * (i + 1),
			.size = 100 + i,
			.kind = i < 20 ? TRK_MALLOC : TRK_MMAP,
			.asked = 300,
			.end = 0x1000 * (i + 2),
			.back = i == 30,
			.domain = i % 3,
		};
	raw = encoded(blocks, 40, &bytes);
	assert_int_equal(restore_all(raw, bytes), 0);
	for (uint32_t i = 0; i < 20000 / SHARE; i++) {
		const uint32_t at = (uint32_t)(random_next(&seed) % bytes);
		const uint8_t was = raw[at];

		raw[at] = (uint8_t)random_next(&seed);
		(void)restore_all(raw, i % 7 ? bytes : at);
		raw[at] = was;
	}
	free(raw);
	heap_free(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goes_on_as_the_first),
		cmocka_unit_test(pieces_of_one_mapping_stay_one_block),
		cmocka_unit_test(many_blocks_take_several_parts),
		cmocka_unit_test(begins_here_with_what_is_live),
		cmocka_unit_test(contradictions_are_refused),
		cmocka_unit_test(any_bytes_are_borne),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
