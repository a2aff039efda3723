/* heap_steps - a heap of one process, and the events that it gets. */
#ifndef HEAP_STEPS_H
#define HEAP_STEPS_H

#include "unit.h"

#include <stdlib.h>

#include "find_block.h"
#include "replay/heap.h"
#include "replay/ranges.h"

#define PAGE 4096ull
#define BASE 0x7f0000000000ull

static inline struct heap *new_heap(uint32_t threshold)
{
	struct heap *h = NULL;

	assert_int_equal(heap_new(&h, threshold, NULL), 0);
	return h;
}

static inline void apply(struct heap *h, struct trk_event e)
{
	assert_int_equal(heap_apply(h, &e), 0);
}

static inline void allocate(struct heap *h, uint64_t address, uint64_t size)
{
	apply(h, (struct trk_event){ .kind = TRK_MALLOC, .address = address, .size = size });
}

static inline void release(struct heap *h, uint64_t address)
{
	apply(h, (struct trk_event){ .kind = TRK_FREE, .address = address });
}

static inline void map(struct heap *h, uint64_t page, uint64_t pages)
{
	apply(h, (struct trk_event){ .kind = TRK_MMAP, .address = BASE + page * PAGE, .size = pages * PAGE });
}

static inline void unmap(struct heap *h, uint64_t page, uint64_t pages)
{
	apply(h, (struct trk_event){ .kind = TRK_MUNMAP, .address = BASE + page * PAGE, .size = pages * PAGE });
}

#endif
