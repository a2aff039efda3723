/* chain - see chain.h. Runs in the recorder; the segment is untrusted. */
#include "chain.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <limits.h>
#include <unistd.h>

/* The target initializes a chunk when it claims it. The recorder clears it here all the same. */
static void give_back(struct shm *shm, uint32_t number)
{
	struct shm_chunk *const k = &shm->chunks[number];

	if (number >= shm->header.chunks_used)
		shm->header.chunks_used = number + 1;
	atomic_store_explicit(&k->next, 0, memory_order_relaxed);
	atomic_store_explicit(&k->committed, 0, memory_order_relaxed);
	atomic_fetch_and_explicit(&shm->chunk_bitmap[number / 64], ~(1ull << (number % 64)),
				  memory_order_release);
	atomic_fetch_add_explicit(&shm->header.chunks_freed, 1, memory_order_release);
}

static bool chunk_is_ours(const struct chain *c, const struct shm_chunk *k, uint32_t slot)
{
	return k->thread == slot && k->sequence == c->sequence;
}

/* Passes on the new bytes in the current chunk. */
static int read_chunk(struct chain *c, const struct shm_chunk *k, uint32_t committed,
		      chain_take take, void *data)
{
	const uint32_t from = c->at;

	if (committed > SHM_PAYLOAD_BYTES || committed < from)
		return TRK_ERR_CORRUPT;
	c->at = committed;
	return committed > from ? take(data, k->payload + from, committed - from) : 0;
}

int chain_read(struct chain *c, struct shm *shm, uint32_t slot, size_t max, chain_take take,
	       void *data, bool *ret_more)
{
	size_t taken = 0;

	*ret_more = false;
	if (!c->chunk)
		c->chunk = atomic_load_explicit(&shm->threads[slot].first_chunk,
						memory_order_acquire);
	while (c->chunk) {
		if (c->chunk > SHM_CHUNKS)
			return TRK_ERR_CORRUPT;
		struct shm_chunk *const k = &shm->chunks[c->chunk - 1];
		/* next before committed: once next is set, committed is final */
		const uint32_t next = atomic_load_explicit(&k->next, memory_order_acquire);
		const uint32_t committed =
			atomic_load_explicit(&k->committed, memory_order_acquire);
		const uint32_t from = c->at;

		if (!chunk_is_ours(c, k, slot))
			return TRK_ERR_CORRUPT;
		const int err = read_chunk(c, k, committed, take, data);
		if (err < 0)
			return err;
		if (!next)
			return 0;
		give_back(shm, c->chunk - 1);
		*c = (struct chain){ .chunk = next, .sequence = c->sequence + 1 };
		taken += committed - from + 64; /* a chunk is progress even if it is empty */
		if (taken >= max) {
			*ret_more = true;
			return 0;
		}
	}
	return 0;
}

void chain_release(struct chain *c, struct shm *shm, uint32_t slot)
{
	/* The loop is bounded: a hostile target may tie a chain into a ring, but it ends by its sequence. */
	while (c->chunk && c->chunk <= SHM_CHUNKS) {
		struct shm_chunk *const k = &shm->chunks[c->chunk - 1];
		const uint32_t next = atomic_load_explicit(&k->next, memory_order_acquire);

		if (!chunk_is_ours(c, k, slot))
			break;
		k->sequence = UINT32_MAX;
		give_back(shm, c->chunk - 1);
		c->chunk = next;
		c->sequence++;
	}
	*c = (struct chain){ 0 };
}

void chain_wake(struct shm *shm)
{
	if (atomic_load_explicit(&shm->header.chunk_waiters, memory_order_seq_cst))
		syscall(SYS_futex, &shm->header.chunks_freed, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}
