/* keyframe_events - events of all kinds, about few addresses, and a heap whose observer sums them. */
#ifndef KEYFRAME_EVENTS_H
#define KEYFRAME_EVENTS_H

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

static inline uint64_t heap_address(uint64_t *seed)
{
	return 0x10000 + random_next(seed) % 200 * 16 + (random_next(seed) % 50 == 0 ? 8 : 0);
}

static inline uint64_t page_address(uint64_t *seed)
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

static inline struct trk_event next_event(uint64_t *seed)
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

static inline void born(void *data, struct heap_block *b, const struct sampling_estimate *e)
{
	struct seen *const s = data;

	b->user = b->node;
	s->bytes[b->node] += (int64_t)e->bytes;
	s->blocks[b->node] += (int64_t)e->count;
}

static inline void died(void *data, const struct heap_block *b, const struct sampling_estimate *e,
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

static inline void aside(void *data, const struct heap_block *b, const struct sampling_estimate *e)
{
	struct seen *const s = data;
	const int sign = b->aside ? -1 : 1;

	s->bytes[b->node] += sign * (int64_t)e->bytes;
	s->blocks[b->node] += sign * (int64_t)e->count;
}

static inline void restored(void *data, struct heap_block *b, const struct sampling_estimate *e,
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

static inline struct heap *heap_with(struct seen *s)
{
	const struct heap_observer o = { .data = s, .born = born, .died = died, .aside = aside, .restored = restored };
	struct heap *h = NULL;

	*s = (struct seen){ 0 };
	assert_int_equal(heap_new(&h, 1, &o), 0);
	return h;
}

#endif
