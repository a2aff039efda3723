/*
 * briefs - live blocks that have lived long, reduced to what sums need: 16 bytes each.
 *
 * They are in the table itself, by address, in buckets of four. A bucket is one cache line, and its entries are
 * compared at once. Buckets are filled from their first place on. An entry whose bucket is full goes to the next one
 * that is not, and moves up when there is room again. So a look-up ends at the first bucket that is not full.
 *
 * It is not format/idmap.h, which has no removal and would look at the entry in another place.
 *
 * Only blocks of domain 0 become brief (blocks.h), so the address identifies a block. If a capture lies about what its
 * events end, an address may be added twice; then there are two entries.
 */
#ifndef REPLAY_BRIEFS_H
#define REPLAY_BRIEFS_H

#include <stdint.h>

#include "format/mix.h"

#define BRIEFS_NONE UINT32_MAX
#define BRIEFS_OF_BUCKET 4u

struct brief {
	uint64_t address; /* 0: an empty place */
	uint32_t size;
	uint32_t user; /* the observer's own */
};

struct briefs {
	struct brief *table;
	uint32_t shift; /* 32 - log2 of its buckets; 0: no table yet */
	uint32_t used;
};

void briefs_finish(struct briefs *s); /* zero-safe; leaves an empty set */

/* The last bucket. */
static inline uint32_t briefs_mask(const struct briefs *s)
{
	return UINT32_MAX >> s->shift;
}

/* Places, of which some are empty. */
static inline uint64_t briefs_places(const struct briefs *s)
{
	return s->table ? ((uint64_t)briefs_mask(s) + 1) * BRIEFS_OF_BUCKET : 0;
}

/* The bucket where the search for that address begins. There must be a table. */
static inline uint32_t briefs_home(const struct briefs *s, uint64_t address)
{
	return trk_mix_address(address, 0) >> s->shift;
}

/* The place of the block at `address`, or BRIEFS_NONE. Address 0 has none, because empty places have it. */
static inline uint32_t briefs_find(const struct briefs *s, uint64_t address)
{
	if (!s->used || !address)
		return BRIEFS_NONE;
	for (uint32_t i = briefs_home(s, address);; i = (i + 1) & briefs_mask(s)) {
		const struct brief *const b = &s->table[(uint64_t)i * BRIEFS_OF_BUCKET];
		const uint32_t met = (b[0].address == address) | (b[1].address == address) << 1 |
				     (b[2].address == address) << 2 | (b[3].address == address) << 3;

		if (met)
			return i * BRIEFS_OF_BUCKET + (uint32_t)__builtin_ctz(met);
		if (!b[BRIEFS_OF_BUCKET - 1].address)
			return BRIEFS_NONE;
	}
}

/*
 * A hint: fetches the line where that block will be searched or put. Always inlined, because gcc leaves out the call
 * of a function that does nothing else.
 */
__attribute__((always_inline)) static inline void briefs_expect(const struct briefs *s, uint64_t address)
{
	if (s->table)
		__builtin_prefetch(&s->table[(uint64_t)briefs_home(s, address) * BRIEFS_OF_BUCKET]);
}

/* b->address is not 0. TRK_ERR_NOMEM: nothing was added. Places change. */
int briefs_add(struct briefs *s, const struct brief *b);

/* Places change. */
void briefs_remove(struct briefs *s, uint32_t place);

#endif
