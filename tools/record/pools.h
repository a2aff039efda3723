/*
 * pools - the blocks that one process tracks in domains of its own, by their addresses: for a program that releases
 * all blocks of a pool at once (TRACKER_POOL_CLEAR).
 *
 * The capture then has one event for each block, so that readers need not know ranges. The table is made from the
 * live sets of the recording, of the process's traces and of its capture when the process first releases a range. It is kept up from
 * then on, until the process executes another program or ends. Other processes pay nothing for it. A table for which there was no memory
 * is not tried again; one that cannot grow keeps what it has. Both are told as the recorder's want of memory.
 */
#ifndef RECORD_POOLS_H
#define RECORD_POOLS_H

#include "recorder.h"

/* A block of a domain of the process was told, or its end: before or after it was delivered. */
void pools_track(struct recorder *r, struct process *p, uint32_t domain, uint64_t address);
void pools_untrack(struct process *p, uint32_t domain, uint64_t address);

/*
 * Calls f for each tracked block of the domain that begins in [address, address + bytes), by ascending addresses, as
 * long as f returns true, and forgets them. heap: everything that was told before, unless r->heap_stopped.
 */
void pools_take_range(struct recorder *r, struct process *p, const struct heap *heap, uint32_t domain, uint64_t address, uint64_t bytes,
		      bool (*f)(void *data, uint64_t address), void *data);

/* None of the blocks is live any more. */
void pools_clear(struct process *p);
/* ... and another program begins, or none. */
void pools_free(struct process *p);

#endif
