/*
 * fuzz_keyframe - a KEYFRAME payload out of any bytes. Decoding ends; its blocks are sound; the heap that
 * takes them bears events and, taken out and put into another one, is the same again.
 */
#include "fuzz.h"

#include "format/block.h"
#include "format/event.h"
#include "format/keyframe.h"
#include "replay/heap.h"
#include "replay/heap_saved.h"

#define PROCESSES 100u
#define THREADS 10u

static void must_be_sound(const struct keyframe_block *b)
{
	MUST(trk_kind_allocates(b->kind) || b->kind == TRK_MPROTECT); /* of fragments that mprotect made heap */
	if (!trk_kind_is_piece(b->kind))
		return;
	MUST(b->end > b->address && b->size <= b->end - b->address && b->asked >= b->size);
}

/* As heap_keyframe_read.c does, with tables of its own. */
static int restore(struct heap_restorer *r, const uint8_t *data, size_t size)
{
	struct keyframe_decoder d;
	struct keyframe_block b;
	size_t items = 0;
	int got, err = keyframe_open(&d, data, size);

	while (!err && (got = keyframe_next(&d, &b)) != TRK_END) {
		MUST(++items <= size);
		if (got == KEYFRAME_PROCESS) {
			err = d.process.index < PROCESSES ? heap_restore_process(r, &d.process) :
							    TRK_ERR_CORRUPT;
		} else if (got == KEYFRAME_BLOCK) {
			must_be_sound(&b);
			b.thread %= THREADS;
			err = heap_restore_block(r, &b);
		} else {
			err = got;
		}
	}
	return err;
}

static void put_process(void *restorer, const struct keyframe_process *p)
{
	MUST(heap_restore_process(restorer, p) == 0);
}

static void put_block(void *restorer, const struct keyframe_block *b)
{
	must_be_sound(b);
	MUST(heap_restore_block(restorer, b) == 0);
}

static void must_be_same_again(const struct heap *h)
{
	struct heap *copy = NULL;
	struct heap_restorer r;
	struct heap_saver saver = { .process = put_process, .block = put_block };

	if (heap_new(&copy, 1, NULL) != 0)
		return;
	r = heap_restore(copy);
	saver.data = &r;
	MUST(heap_save(h, &saver) == 0);
	heap_restore_end(&r, 1);
	heap_restore_finish(&r);
	MUST(heap_now_bytes(copy) == heap_now_bytes(h) && heap_now_blocks(copy) == heap_now_blocks(h));
	heap_free(copy);
}

/* Any events, out of the bytes that the payload was, too. */
static void apply_some(struct heap *h, const uint8_t *data, size_t size)
{
	struct byte_reader r = byte_reader_of(data, size);
	struct event_state state = event_state_init(1);
	struct trk_event e;

	for (uint32_t i = 0; i < 1000 && event_decode(&state, &r, &e) == 0; i++) {
		e.process = i % 3;
		e.thread %= THREADS;
		(void)heap_apply(h, &e);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct heap *h = NULL;
	struct heap_restorer r;
	int err;

	if (size > TRK_BLOCK_RAW_MAX || heap_new(&h, 1, NULL) != 0)
		return 0;
	r = heap_restore(h);
	err = restore(&r, data, size);
	heap_restore_end(&r, 1);
	heap_restore_finish(&r);
	if (!err)
		must_be_same_again(h);
	apply_some(h, data + size / 2, size - size / 2);
	heap_free(h);
	return 0;
}
