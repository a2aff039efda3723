/*
 * heap_private - what the parts of heap share: heap_new.c (who there is), heap.c and heap_map.c (events), heap_ends.c (the
 * end of all blocks) and heap_query.c (answers).
 */
#ifndef REPLAY_HEAP_PRIVATE_H
#define REPLAY_HEAP_PRIVATE_H

#include "replay/blocks.h"
#include "replay/heap.h"
#include "replay/ranges.h"

struct heap_process {
	struct heap_totals totals;
	struct blocks blocks;
	uint32_t ranges; /* root in heap.ranges: of mappings that are heap, arenas among them */
	uint32_t reserved; /* likewise, of what nothing can touch */
	uint32_t windows; /* likewise: addresses that were reserved and not unmapped since, whatever lies there now */
	uint64_t numbers; /* allocations that trk_event.ref counts */
	uint64_t events, marks;
	bool ended;
};

struct heap {
	struct heap_observer observer;
	struct heap_process **processes; /* NULL: nothing seen of it */
	uint32_t process_room;
	struct blocks_ages ages;
	uint32_t thread_room;
	struct ranges ranges;
	bool sums_only; /* blocks may be brief */
	struct block brief; /* the one that an event met, as far as it is known */
	uint32_t page_bytes;
	uint64_t events;
	uint32_t last_ref;
	uint64_t now_bytes, now_blocks; /* of the processes that have not ended */
	uint64_t now_reserved_bytes, now_reserved_mappings;
	uint64_t sample_bytes; /* 0: every event is there */
	struct sampling_error now_error;
	struct heap_totals totals; /* peak_* is kept; the rest is summed when asked for */
};

/* In nearly every capture a block is one block. Into its place: a copy would wait for its parts to be stored. */
static inline void estimate(const struct heap *h, const struct heap_block *b, struct sampling_estimate *ret)
{
	*ret = (struct sampling_estimate){ .bytes = b->size, .count = 1 };
	if (__builtin_expect(h->sample_bytes != 0, 0))
		heap_estimate(h, b, ret);
}

/* One event on its way through. */
struct step {
	struct heap *heap;
	struct heap_process *process;
	const struct trk_event *event;
	uint32_t ref; /* the block that it ended, as far as that was found */
	bool no_memory; /* it may have ended a block that was not found because there was no memory */
};

/* heap.c, for heap_map.c: what becomes of a mapping's block, of `e` bytes and blocks. */
void heap_fill(struct heap_block *b, const struct step *s, uint8_t kind);
void heap_born(struct step *s, struct heap_block *b, const struct sampling_estimate *e);
void heap_grew(struct step *s, const struct heap_block *b, const struct sampling_estimate *e);
void heap_died(struct step *s, const struct heap_block *b, const struct sampling_estimate *e);
void heap_reserved(struct step *s, const struct heap_block *b);
void heap_take_live(struct step *s, const struct sampling_estimate *e);

/* heap_ends.c: an exec, or a clear. */
void heap_wipe(struct step *s);

/* heap_map.c. TRK_ERR_NOMEM. */
int heap_apply_mapping(struct step *s);
/* The parts of an mremap: pages go, and pages of that kind come. */
int heap_unmap(struct step *s, uint64_t start, uint64_t size);
int heap_map(struct step *s, uint64_t start, uint64_t size);
void heap_wipe_mappings(struct step *s);
/* Adds to the reserved figures. */
void heap_add_reserved(struct heap *h, struct heap_totals *t, uint64_t bytes, uint64_t mappings);

/* heap_new.c: TRK_ERR_NOMEM or NULL. */
struct heap_process *heap_new_process(struct heap *h, uint32_t index);
int heap_reach_thread(struct heap *h, uint32_t index);

/* The first address after the pages of a range. Sizes that no machine has are cut so that there is an end. */
static inline uint64_t range_end(const struct heap *h, uint64_t start, uint64_t size)
{
	const uint64_t mask = h->page_bytes - 1;
	const uint64_t most = UINT64_MAX - mask;

	if (start >= most || size > most - start)
		return most;
	return (start + size + mask) & ~mask;
}

#endif
