/* trim - see trim.h. */
#include "trim.h"

#include <sys/mman.h>

/* Takes chunk `n` as a target would, so that no target fills it meanwhile. */
static bool claim(struct shm *shm, uint32_t n)
{
	const uint64_t bit = 1ull << (n % 64);

	return !(atomic_fetch_or_explicit(&shm->chunk_bitmap[n / 64], bit, memory_order_acquire) &
		 bit);
}

static void unclaim(struct shm *shm, uint32_t from, uint32_t to)
{
	for (uint32_t n = from; n < to; n++)
		atomic_fetch_and_explicit(&shm->chunk_bitmap[n / 64], ~(1ull << (n % 64)),
					  memory_order_release);
}

/* Chunks below this one keep their memory, because they are used first, again and again. */
#define KEPT_CHUNKS ((4u << 20) / SHM_CHUNK_BYTES)

void trim_chunks(struct recorder *r)
{
	struct shm *const shm = r->shm;
	const uint32_t limit = atomic_load(&shm->header.chunk_limit);
	const uint32_t used = shm->header.chunks_used < SHM_CHUNKS ? shm->header.chunks_used : SHM_CHUNKS;

	for (uint32_t n = limit && limit < KEPT_CHUNKS ? limit : KEPT_CHUNKS; n < used;) {
		const uint32_t from = n;

		while (n < used && claim(shm, n))
			n++;
		if (n > from)
			madvise(&shm->chunks[from], (size_t)(n - from) * SHM_CHUNK_BYTES,
				MADV_REMOVE);
		unclaim(shm, from, n);
		n++;
	}
	shm->header.chunks_used = 0;
}
