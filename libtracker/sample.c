/*
 * sample - the slow half: drawing the next sample, and the set of addresses of live sampled blocks.
 *
 * The set has no lock. A bucket is a cache line of seven addresses. A full bucket passes addresses on to a larger
 * table. If there is no room either, the address is not kept, and from then on every release that belongs into that
 * bucket counts as the release of a sampled block. The recorder ignores releases that it does not know, so this costs
 * time, but no block is ever missed. Marks and full counts stay, because they are few.
 *
 * Memory: 272 KiB, of which only the used part is touched, and 4 MiB more, mapped once when that overflows: addresses
 * of half a million blocks.
 */
#include "sample.h"

#include <string.h>

#include "chunk.h"
#include "raw.h"
#include "thread.h"

#define BUCKET_ADDRESSES 7u
#define SMALL_BITS 12u
#define WIDE_BITS 16u
#define FULL 255u

struct bucket {
	_Alignas(64) _Atomic uintptr_t address[BUCKET_ADDRESSES]; /* 0: free */
	_Atomic uintptr_t overflowed;
};

_Static_assert(sizeof(struct bucket) == 64, "one cache line");

/* Mapped, not in .bss, because a garbage collector would look for its blocks there. */
struct tables {
	_Atomic uint8_t counts[SAMPLE_COUNTS];
	struct bucket small[1u << SMALL_BITS];
};

_Atomic uint8_t *sample_counts; /* the first of the tables */
static _Atomic(struct bucket *) wide; /* NULL: there is none yet */
static _Atomic bool wide_refused;
static _Atomic uint64_t random_state; /* shared by all threads, which draw seldom */

static struct tables *tables(void)
{
	return (struct tables *)sample_counts;
}

/* ---- drawing ---- */

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

/* Makes a table empty that threads may still be looking at. */
static void clear(void *table, size_t bytes)
{
	if (raw_madvise(table, bytes, MADV_DONTNEED) != 0)
		memset(table, 0, bytes);
}

bool sample_start(uint64_t process_seed)
{
	struct bucket *const large = atomic_load(&wide);

	if (sample_counts)
		clear(tables(), sizeof(struct tables));
	else
		sample_counts = raw_map_private(sizeof(struct tables));
	if (!sample_counts)
		return false;
	if (large)
		clear(large, sizeof(struct bucket) << WIDE_BITS);
	atomic_store(&wide_refused, false);
	atomic_store(&random_state, mix(process_seed));
	return true;
}

void sample_begin(void)
{
	tls.drawn_for = (uint16_t)state.recording;
	tls.until_sample = 0;
	tls.skipped = 0;
}

void sample_forked(void)
{
	const uint64_t now = atomic_load_explicit(&state.shm->header.clock_ns, memory_order_relaxed);

	atomic_store(&random_state, mix(atomic_load(&random_state) ^ (uint64_t)raw_getpid() << 40 ^ now));
	tls.until_sample = 0;
}

static void draw(void)
{
	const uint64_t state_now = atomic_fetch_add(&random_state, 0x9e3779b97f4a7c15ull);

	tls.until_sample = (int64_t)sample_distance(mix(state_now), state.sample_bytes);
}

bool sample_draw(uint64_t size)
{
	const int64_t counted = (int64_t)(size + !size);

	if (tls.until_sample == -counted) { /* it was 0: the thread's first one */
		draw();
		tls.until_sample -= counted;
		if (tls.until_sample > 0)
			return false;
	}
	draw();
	return true;
}

/* ---- the set ---- */

static struct bucket *small_bucket(uint64_t hash)
{
	return &tables()->small[hash >> (64 - SMALL_BITS)];
}

static struct bucket *wide_bucket(uint64_t hash)
{
	struct bucket *const table = atomic_load_explicit(&wide, memory_order_acquire);

	return table ? &table[hash >> (64 - SMALL_BITS - WIDE_BITS) & ((1u << WIDE_BITS) - 1)] : NULL;
}

/* From now on there is a larger table, if there is room for it. */
static void make_wide(void)
{
	const struct thread *const t = tls.level ? tls.threads[tls.level - 1] : NULL;
	const size_t bytes = sizeof(struct bucket) << WIDE_BITS;
	struct bucket *made, *expected = NULL;

	if (atomic_load(&wide) || atomic_load_explicit(&wide_refused, memory_order_relaxed))
		return;
	made = t && !chunk_may_call(t) ? NULL : raw_map_private(bytes);
	if (!made) {
		if (!atomic_exchange(&wide_refused, true))
			atomic_fetch_add(&state.process->tables_refused, 1);
		return;
	}
	if (!atomic_compare_exchange_strong(&wide, &expected, made))
		raw_release(made, bytes);
}

/* Replaces one `from` by `to`. False: there is none. */
static bool replace(struct bucket *b, uintptr_t from, uintptr_t to)
{
	for (unsigned i = 0; i < BUCKET_ADDRESSES; i++) {
		uintptr_t there = from;

		if (atomic_load_explicit(&b->address[i], memory_order_relaxed) == from &&
		    atomic_compare_exchange_strong(&b->address[i], &there, to))
			return true;
	}
	return false;
}

/* The addresses of a hash come and go. A count that is full stays full. */
static void count(uint64_t hash, int step)
{
	_Atomic uint8_t *const c = &sample_counts[hash >> 50];
	uint8_t n = atomic_load(c);

	while (n != FULL && !atomic_compare_exchange_weak(c, &n, (uint8_t)(n + step)))
		;
}

void sample_add(uintptr_t address)
{
	const uint64_t hash = sample_hash(address);
	struct bucket *const first = small_bucket(hash), *second;

	count(hash, 1);
	if (replace(first, 0, address))
		return;
	make_wide();
	second = wide_bucket(hash);
	atomic_store(&first->overflowed, 1);
	if (!second || replace(second, 0, address))
		return;
	atomic_store(&second->overflowed, 1);
}

/*
 * An address that is not kept keeps its count, too: its release is not found in the set, and does not lower the
 * count.
 */
bool sample_remove(uintptr_t address, uintptr_t frame)
{
	const uint64_t hash = sample_hash(address);
	struct bucket *const first = small_bucket(hash), *const second = wide_bucket(hash);

	if (nested_in_real(frame))
		return false;
	if (replace(first, address, 0) ||
	    (atomic_load(&first->overflowed) && second && replace(second, address, 0))) {
		count(hash, -1);
		return true;
	}
	return atomic_load(&first->overflowed) && (!second || atomic_load(&second->overflowed));
}
