/*
 * blocks - the live heap blocks of one process, by (space, address).
 *
 * A space is a domain, or the waiting room of a thread's realloc: the same address may be live in each. Blocks are in
 * slots, which keep their numbers. A table of (hash, slot) pairs finds them: linear probing, backward shift on
 * removal, at most half full, and a quarter while it is small. Table and slots use large pages when they are large. It
 * is not format/idmap.h because every second event removes an entry.
 *
 * A capture says which of the latest allocations a release ends (trk_event.ref). So these blocks need no place in the
 * table: their slots are in a ring by number. A block enters the table only when the ring forgets it, or when somebody
 * looks it up by address. Most blocks are freed before.
 *
 * If only sums are asked for (`ages`), a block that the ring forgets becomes a brief one (briefs.h) and gives its slot
 * back, unless it may still turn out to be temporary, or is too large.
 */
#ifndef REPLAY_BLOCKS_H
#define REPLAY_BLOCKS_H

#include "format/mix.h"
#include "replay/briefs.h"
#include "replay/heap.h"

#define BLOCKS_NONE UINT32_MAX

/* Spaces: domains have the upper bit clear. */
#define BLOCKS_DOMAIN(domain) ((domain)&0x7fffffffu)
#define BLOCKS_ASIDE(thread) ((thread) | 0x80000000u)
#define BLOCKS_LOOSE UINT32_MAX /* of domain 0, not in the table yet */

#define BLOCKS_RECENT (1u << 14) /* the ring */
#define BLOCKS_FEW 8192u /* so many blocks in the table stay in the processor's caches */
#define BLOCKS_PIECE (1u << 15) /* slots of a piece: 2 MiB */

struct block { /* one cache line */
	struct heap_block b; /* kind 0: a free slot, b.number the next one */
	uint32_t space;
	uint32_t thread_number; /* allocations of its thread before it, modulo 2^32 */
};

/* How old blocks are. */
struct blocks_ages {
	uint32_t *allocations; /* of each thread so far, modulo 2^32 */
	uint32_t threshold; /* threshold of temporary blocks: heap.h */
};

struct blocks {
	struct block **pieces; /* parts of the array of slots; the first one grows, and moves, until it is as large as the others */
	uint32_t piece_room;
	uint32_t slot_count, slot_room, free_slot;
	uint32_t live; /* slots that are not free */
	uint64_t *table; /* hash << 32 | slot + 1; 0: empty */
	uint32_t shift; /* 32 - log2 of its size; 0: no table yet */
	uint32_t mask; /* its size - 1; 0: no table yet */
	uint32_t used, most; /* it grows before more entries are used */
	uint32_t *recent; /* slot + 1 by number of the allocation; NULL: never needed */
	uint64_t newest, settled; /* numbers: the last one in the ring; the one up to which none is loose */
	const struct blocks_ages *ages; /* NULL: everything is kept of every block */
	struct briefs briefs;
};

void blocks_finish(struct blocks *s); /* zero-safe; leaves an empty set, with its ages */

static inline struct block *blocks_slot(const struct blocks *s, uint32_t slot)
{
	return &s->pieces[slot / BLOCKS_PIECE][slot % BLOCKS_PIECE];
}

static inline uint32_t blocks_hash(uint32_t space, uint64_t address)
{
	return trk_mix_address(address, space);
}

/* Whether the entry of the table is that block's. */
static inline bool blocks_is(const struct blocks *s, uint64_t entry, uint32_t hash, uint32_t space,
			     uint64_t address)
{
	if ((uint32_t)(entry >> 32) != hash)
		return false;

	const struct block *const b = blocks_slot(s, (uint32_t)entry - 1);

	return b->b.address == address && b->space == space;
}

/* The place in the table of that block, or BLOCKS_NONE. */
static inline uint32_t blocks_find(const struct blocks *s, uint32_t space, uint64_t address)
{
	const uint32_t hash = blocks_hash(space, address);

	if (!s->used)
		return BLOCKS_NONE;
	for (uint32_t i = hash >> s->shift;; i = (i + 1) & s->mask) {
		const uint64_t entry = s->table[i];

		if (!entry)
			return BLOCKS_NONE;
		if (blocks_is(s, entry, hash, space, address))
			return i;
	}
}

/*
 * Hints: fetches the line of the tables where the search for that block's entry begins, then its slot. Always
 * inlined: see briefs_expect.
 */
__attribute__((always_inline)) static inline void blocks_expect(const struct blocks *s, uint32_t space, uint64_t address)
{
	if (space == BLOCKS_DOMAIN(0))
		briefs_expect(&s->briefs, address);
	if (s->used)
		__builtin_prefetch(&s->table[blocks_hash(space, address) >> s->shift]);
}

__attribute__((always_inline)) static inline void blocks_expect_slot(const struct blocks *s, uint32_t space, uint64_t address)
{
	const uint32_t hash = blocks_hash(space, address);
	uint32_t i = hash >> s->shift;

	if (!s->used)
		return;
	while (s->table[i] && (uint32_t)(s->table[i] >> 32) != hash)
		i = (i + 1) & s->mask;
	if (s->table[i])
		__builtin_prefetch(blocks_slot(s, (uint32_t)s->table[i] - 1));
}

static inline struct block *blocks_at(const struct blocks *s, uint32_t place)
{
	return blocks_slot(s, (uint32_t)s->table[place] - 1);
}

/* The block of that number, if the ring has it and it is live; else NULL. */
static inline struct block *blocks_recent(const struct blocks *s, uint64_t number)
{
	const uint32_t slot = s->recent ? s->recent[number % BLOCKS_RECENT] : 0;
	struct block *const b = slot ? blocks_slot(s, slot - 1) : NULL;

	return b && b->b.kind && b->b.number == number ? b : NULL;
}

/*
 * A new slot for the block of that number, the newest, which is loose. Its address is set; the caller fills the rest,
 * with the number. NULL: there is no memory. Pointers to other blocks may move.
 */
struct block *blocks_add_loose(struct blocks *s, uint64_t address, uint64_t number);

/* How many blocks the tables hold. */
static inline uint64_t blocks_settled(const struct blocks *s)
{
	return (uint64_t)s->used + s->briefs.used;
}

/* Puts all loose blocks into the tables, as far as there is memory. */
int blocks_settle(struct blocks *s);

/*
 * A new slot for a block. Its address and space are set; the caller fills the rest (kind before it calls anything
 * else). NULL: there is already a block, *ret_there is its place; or there is no memory, and *ret_there is
 * BLOCKS_NONE. Pointers to other blocks may move.
 */
struct block *blocks_add(struct blocks *s, uint32_t space, uint64_t address, uint32_t *ret_there);

/* Takes a loose block out, or the block at that place of the table. Its slot is free from then on. */
void blocks_remove(struct blocks *s, uint32_t place);
void blocks_remove_loose(struct blocks *s, struct block *b);

/* Empties a place of the table, which is not that of a block any more. */
void blocks_clear_place(struct blocks *s, uint32_t place);

/* Moves the block to another space; the slot stays. The target must be free. */
void blocks_move(struct blocks *s, uint32_t place, uint32_t space);

#endif
