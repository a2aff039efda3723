/*
 * bucket - sizes of allocations in blocks of 16 bytes, and in 16 buckets by powers of two. Bucket b holds the sizes
 * that need at most 2^b blocks and that no smaller bucket holds. The last bucket holds all larger sizes.
 */
#ifndef TRK_BUCKET_H
#define TRK_BUCKET_H

#include <stdint.h>

#define BUCKET_BLOCK_BYTES 16u
#define BUCKETS 16u

/* An allocation of no bytes is a block, too. */
static inline uint64_t bucket_blocks(uint64_t size)
{
	return size ? (size - 1) / BUCKET_BLOCK_BYTES + 1 : 1;
}

static inline unsigned bucket_of(uint64_t size)
{
	const uint64_t blocks = bucket_blocks(size);
	const unsigned b = blocks > 1 ? 64u - (unsigned)__builtin_clzll(blocks - 1) : 0;

	return b < BUCKETS - 1 ? b : BUCKETS - 1;
}

#endif
