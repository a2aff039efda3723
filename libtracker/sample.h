/*
 * sample - which allocations are recorded when not all are, and which blocks those were.
 *
 * Each thread counts down the bytes that it asks for; the allocation at which it gets to 0 is
 * recorded, and a new count is drawn from an exponential distribution: a Poisson process over the
 * bytes. The exponential distribution has no memory, so the next allocation knows nothing of the
 * last one, and one of `size` bytes is recorded with probability 1 - exp(-size / mean) exactly.
 *
 * Of all others the program pays a subtraction and a comparison, and at their release a
 * look at a table of bytes: how many sampled blocks live at addresses of that hash.
 */
#ifndef SAMPLE_H
#define SAMPLE_H

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
 * The count of bytes, at least 1, that an evenly distributed number stands for: -ln(random / 2^64)
 * times the mean. Integers only: hooks leave the floating-point state alone. mean: up to 2^40.
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
/* seed: differs between processes. False: no memory. */
bool sample_start(uint64_t seed);
/* In a child of fork: it must not draw what its parent and its siblings draw. */
void sample_forked(void);
/* The count-down has ended, or this thread's has not begun: whether the allocation is to be recorded. */
bool sample_draw(uint64_t size);
/* The block is recorded; before the program gets it. Any address may be added more than once. */
void sample_add(uintptr_t address);
/* Takes the block out again. False: it is not there, or the caller is another hook's real function. */
bool sample_remove(uintptr_t address, uintptr_t frame);

/* Whether an allocation that was made is not to be recorded; it counts, so ask once. */
static inline bool sample_skip(uint64_t size, uintptr_t frame)
{
	if (likely(!state.sample_bytes))
		return false;
	if (nested_in_real(frame))
		return true;
	tls.until_sample -= (int64_t)(size + !size);
	if (unlikely(tls.until_sample <= 0) && sample_draw(size))
		return false;
	tls.skipped++;
	return true;
}

/*
 * Takes the block out of those that are sampled, before it is released, and says whether the release is to be recorded: only that of a sampled
 * one. Of others hardly ever: when more live than the table of addresses holds.
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

/* Before a sampled block's event: how many the thread has skipped, which says what is temporary. */
static inline void sample_tell(struct thread *t)
{
	if (!tls.skipped)
		return;
	send_skipped(t, tls.skipped);
	tls.skipped = 0;
}

#endif
