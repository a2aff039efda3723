/*
 * sample - which allocations are recorded when not all are, and which blocks those were.
 *
 * Each thread counts down the bytes that it asks for. The allocation at which the count reaches 0 is recorded, and a
 * new count is drawn from an exponential distribution: a Poisson process over the bytes. The exponential distribution
 * has no memory, so an allocation does not depend on the last one, and an allocation of `size` bytes is recorded with
 * probability 1 - exp(-size / mean) exactly.
 *
 * All other allocations cost the program a subtraction and a comparison. Their release costs a look at a table of
 * bytes, each of which counts the sampled blocks that live at addresses of one hash.
 */
#ifndef SAMPLE_H
#define SAMPLE_H

#include "chunk.h"
#include "state.h"
#include "send.h"
#include "thread.h"

#define SAMPLE_COUNTS 16384u /* a byte each: they stay in the first cache */

extern _Atomic uint8_t *sample_counts;

static inline uint64_t sample_hash(uintptr_t address)
{
	return address * 0x9e3779b97f4a7c15ull;
}

/*
 * The count of bytes, at least 1, for an evenly distributed random number: -ln(random / 2^64) times the mean. It uses
 * integers only, because hooks must not change the floating-point state. mean: up to 2^40.
 */
static inline uint64_t sample_distance(uint64_t random, uint64_t mean)
{
	const uint64_t u = random | 1;
	const unsigned zeros = (unsigned)__builtin_clzll(u);
	uint64_t x = u << zeros; /* 1 <= x / 2^63 < 2; squaring it yields its logarithm bit by bit */
	uint32_t log2 = 0;

	for (unsigned bit = 32; bit-- > 0;) {
		const unsigned __int128 square = (unsigned __int128)x * x;
		const unsigned two = (unsigned)(square >> 127);

		log2 |= (uint32_t)two << bit;
		x = (uint64_t)(square >> (63 + two));
	}

	const uint64_t bits = ((uint64_t)(zeros + 1) << 32) - log2;

	return (uint64_t)((unsigned __int128)bits * 2977044472u /* ln 2 */ * mean >> 64) + 1;
}

/* ---- sample.c ---- */
/* Begins anew. seed: differs between processes. False: there is no memory. */
bool sample_start(uint64_t seed);
/* The thread's first allocation in this recording. */
void sample_begin(void);
/* In a child of fork, which must not draw the same numbers as its parent and its siblings. */
void sample_forked(void);
/* The count-down has ended, or this thread's has not begun. Returns whether the allocation is to be recorded. */
bool sample_draw(uint64_t size);
/* The block is recorded. Called before the program gets it. Any address may be added more than once. */
void sample_add(uintptr_t address);
/* Takes the block out again. False: it is not there, or the caller is the real function of another hook. */
bool sample_remove(uintptr_t address, uintptr_t frame);

/* Whether an allocation that was made is not to be recorded. It counts down, so ask once per allocation. */
static inline bool sample_skip(uint64_t size, uintptr_t frame)
{
	if (likely(!state.sample_bytes))
		return false;
	if (nested_in_real(frame))
		return true;
	if (unlikely(tls.drawn_for != (uint16_t)state.recording))
		sample_begin();
	tls.until_sample -= (int64_t)(size + !size);
	if (unlikely(tls.until_sample <= 0) && sample_draw(size))
		return false;
	tls.skipped++;
	/* no event tells for a while that the recording is over */
	if (unlikely(atomic_load_explicit(&state.shm->header.closed, memory_order_relaxed)))
		(void)chunk_stop_if_closed();
	return true;
}

/*
 * Called before a release. Takes the block out of the sampled ones, and says whether the release is to be recorded.
 * Only the release of a sampled block is recorded, and hardly ever that of another one: when more blocks live than
 * the table of addresses holds.
 */
static inline bool sample_forget(uintptr_t address, uintptr_t frame)
{
	if (likely(!state.sample_bytes))
		return true;
	if (likely(!atomic_load_explicit(&sample_counts[sample_hash(address) >> 50],
					 memory_order_relaxed)))
		return false;
	return sample_remove(address, frame);
}

/*
 * Before a sampled block's event: tells how many allocations the thread has skipped, which shows which blocks are
 * temporary.
 */
static inline void sample_tell(struct thread *t)
{
	if (!tls.skipped)
		return;
	send_skipped(t, tls.skipped);
	tls.skipped = 0;
}

#endif
