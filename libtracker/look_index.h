/* look_index - finds the block at an address: what look_mark.c and look_graph.c share. */
#ifndef LOOK_INDEX_H
#define LOOK_INDEX_H

#include "look_mark.h"

#define GIB_BITS 30u
#define MIB_BITS 20u
#define TABLE_ENTRIES 1024u
#define COVERED 0x80000000u /* an entry of a table: no block begins in this MiB, that one reaches into it */

static inline unsigned ones(uint64_t x)
{
	x -= x >> 1 & 0x5555555555555555ull;
	x = (x & 0x3333333333333333ull) + (x >> 2 & 0x3333333333333333ull);
	x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return (unsigned)(x * 0x0101010101010101ull >> 56);
}

/* The entry of the table that knows about an address in [low, high); 0: no block is near. */
static inline uint32_t entry_at(const struct look_marking *m, uint64_t p)
{
	const uint32_t table = m->top[(p - m->low) >> GIB_BITS];

	return table ? m->tables[(size_t)(table - 1) * TABLE_ENTRIES + (p >> MIB_BITS & (TABLE_ENTRIES - 1))] : 0;
}

static inline const struct look_cell *cell_at(const struct look_marking *m, uint32_t entry, uint64_t p)
{
	return &m->cells[((size_t)(entry - 1) << (14 - m->shift)) + ((p & ((1u << MIB_BITS) - 1)) >> (m->shift + 6))];
}

/* The block at or before p; NONE. */
static inline uint32_t block_at(const struct look_marking *m, uint32_t entry, uint64_t p)
{
	if (entry & COVERED)
		return entry & ~COVERED;

	const struct look_cell *const c = cell_at(m, entry, p);

	return c->rank + ones(c->bits & ~0ull >> (63 - (p >> m->shift & 63))) - 1;
}

#endif
