/*
 * blocks - the live heap blocks of one process, by (space, address).
 *
 * A space is a domain, or the waiting room of a thread's realloc: the same
 * address may live in each. Blocks stand in slots that never move within the
 * array; a table of (hash, slot) pairs finds them: linear probing, backward
 * shift on removal, at most half full.
 */
#ifndef REPLAY_BLOCKS_H
#define REPLAY_BLOCKS_H

#include "replay/heap.h"

#define BLOCKS_NONE UINT32_MAX

/* Spaces: domains have the upper bit clear. */
#define BLOCKS_DOMAIN(domain) ((domain) & 0x7fffffffu)
#define BLOCKS_ASIDE(thread) ((thread) | 0x80000000u)

struct block { /* one cache line */
	struct heap_block b; /* kind 0: a free slot, b.number the next one */
	uint32_t space;
	uint32_t thread_number; /* allocations of its thread before it, modulo 2^32 */
};

struct blocks {
	struct block *slots;
	uint32_t slot_count, slot_room, free_slot;
	uint64_t *table; /* hash << 32 | slot + 1; 0: empty */
	uint32_t shift;	 /* 32 - log2 of its size; 0: no table yet */
	uint32_t used;
};

void blocks_finish(struct blocks *s); /* zero-safe; leaves an empty set */

static inline uint32_t blocks_hash(uint32_t space, uint64_t address)
{
	return (uint32_t)(((address ^ (uint64_t)space << 32) * 0x9e3779b97f4a7c15ull) >> 32);
}

static inline uint32_t blocks_mask(const struct blocks *s)
{
	return (uint32_t)((1ull << (32 - s->shift)) - 1);
}

/* The place in the table of that block, or BLOCKS_NONE. */
static inline uint32_t blocks_find(const struct blocks *s, uint32_t space, uint64_t address)
{
	const uint32_t hash = blocks_hash(space, address);

	if (!s->table)
		return BLOCKS_NONE;
	for (uint32_t i = hash >> s->shift;; i = (i + 1) & blocks_mask(s)) {
		const uint64_t entry = s->table[i];

		if (!entry)
			return BLOCKS_NONE;
		if ((uint32_t)(entry >> 32) == hash) {
			const struct block *b = &s->slots[(uint32_t)entry - 1];

			if (b->b.address == address && b->space == space)
				return i;
		}
	}
}

static inline struct block *blocks_at(const struct blocks *s, uint32_t place)
{
	return &s->slots[(uint32_t)s->table[place] - 1];
}

/*
 * A new slot for a block that is not there yet; its address and space are set,
 * the rest is the caller's to fill (kind before anything else is called).
 * NULL: no memory. Pointers to other blocks may move.
 */
struct block *blocks_add(struct blocks *s, uint32_t space, uint64_t address);

/* Takes the block at that place of the table out. Its slot is free from then on. */
void blocks_remove(struct blocks *s, uint32_t place);

/* Moves the block to another space; the slot stays. The target must be free. */
void blocks_move(struct blocks *s, uint32_t place, uint32_t space);

#endif
