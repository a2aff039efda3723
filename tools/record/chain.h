/*
 * chain - the chunks of one thread, as the recorder reads them.
 *
 * It works on the shared segment, which a target may fill with anything: it reads every number once, checks it, and
 * only then uses it. Chunks that were read to their end go back to the targets.
 */
#ifndef RECORD_CHAIN_H
#define RECORD_CHAIN_H

#include "format/shm.h"
#include "format/trk.h"

/* How far one thread's chain was read. Zero-initialized: nothing yet. */
struct chain {
	uint32_t chunk; /* number + 1 of the chunk that is being read; 0: none yet */
	uint32_t at; /* how many bytes of it were read */
	uint32_t sequence; /* that it must have */
};

/* Receives the bytes: called with parts of shared memory, in order. 0 or TRK_ERR_NOMEM. */
typedef int (*chain_take)(void *data, const void *bytes, size_t size);

/*
 * Reads what thread slot `slot` has published since the last call, at most about `max` bytes, into `take`. *ret_more:
 * it stopped because of max. TRK_ERR_CORRUPT if the chain contradicts itself; then nothing more can be read from it.
 */
int chain_read(struct chain *c, struct shm *shm, uint32_t slot, size_t max, chain_take take,
	       void *data, bool *ret_more);

/* Gives back the rest of the chain: the thread is gone and everything was read. */
void chain_release(struct chain *c, struct shm *shm, uint32_t slot);

/* Wakes threads that wait for a free chunk. Call once after a round of reading. */
void chain_wake(struct shm *shm);

#endif
