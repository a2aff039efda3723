/*
 * pools - the blocks that one process tracks in domains of its own, by their addresses: for a program that releases
 * all blocks of a pool at once (TRACKER_POOL_CLEAR).
 *
 * The capture then has one event for each block, so that readers need not know ranges. The table is made from the
 * live heap when a process first releases a range, and is kept up from then on. Other processes pay nothing for it.
 */
#ifndef RECORD_POOLS_H
#define RECORD_POOLS_H

#include "recorder.h"

/* A block of a domain of the process was told, or its end: before or after it was delivered. */
void pools_track(struct recorder *r, struct process *p, uint32_t domain, uint64_t address);
void pools_untrack(struct process *p, uint32_t domain, uint64_t address);

/*
 * Calls f for each tracked block of the domain that begins in [address, address + bytes), by ascending addresses, as
 * long as f returns true, and forgets them. heap: everything that was told before.
 */
void pools_take_range(struct recorder *r, struct process *p, const struct heap *heap, uint32_t domain, uint64_t address, uint64_t bytes,
		      bool (*f)(void *data, uint64_t address), void *data);

/* None of the blocks is live any more. */
void pools_free(struct process *p);

#endif
