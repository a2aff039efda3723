/*
 * heap - events -> the live set and what follows from it.
 *
 * Feed every event of a capture to heap_apply, in order. The heap keeps, for
 * every (process, address), size, kind, thread, node and time of the live block, and
 * the totals. The recorder runs the same code while it records. It tells an
 * observer of every block that comes and goes; the reports are observers.
 *
 * Definitions (they bind every report):
 *  allocation  malloc family, new, mmap, track, a realloc that succeeded
 *  free        a release that met a live block, the old block of a successful
 *              realloc included, so that allocations - frees = live blocks.
 *              munmap: a free when the last byte of a mapping goes.
 *              A release of an unknown address is counted in `unmatched_frees`.
 *  bytes       requested bytes, summed over allocations
 *  peak        the last moment at which live bytes were highest (over all
 *              processes, i.e. of the whole tree at one time; and per process)
 *  leaked      live when the process ended; blocks that exec wiped out are not
 *  temporary   freed by the thread that allocated it, with at most N other
 *              allocations of that thread in between (threshold N); a realloc
 *              counts as one allocation, and its old block as freed by it
 *              before it (memray's rule: a ring of the thread's last N + 1
 *              allocations; mmap and munmap take no part)
 */
#ifndef REPLAY_HEAP_H
#define REPLAY_HEAP_H

#include "format/trk.h"

struct heap_block {
	uint64_t address, size, time_ns;
	uint64_t number; /* of the allocation, from 0, over the whole capture */
	uint32_t process, thread, node, domain;
	uint8_t kind;
};

struct heap_totals {
	uint64_t allocations, frees, unmatched_frees, bytes_allocated, bytes_freed;
	uint64_t live_bytes, live_blocks;
	uint64_t peak_bytes, peak_blocks, peak_time_ns;
	uint64_t peak_event; /* number of heap_apply calls up to and including the peak */
	uint64_t temporary, temporary_bytes;
	uint64_t lost; /* events in gaps */
	uint64_t kind_count[32], kind_bytes[32]; /* allocations by kind */
};

/* Any of the calls may be NULL. */
struct heap_observer {
	void *data;
	/* A block (or, for munmap, its remaining part) came to life. */
	void (*born)(void *data, const struct heap_block *b);
	/*
	 * `bytes` of a block went away; whole: nothing of it is left (otherwise a
	 * munmap cut it). `by`: the event that did it. temporary: see above.
	 */
	void (*died)(void *data, const struct heap_block *b, uint64_t bytes, bool whole,
		     bool temporary, const struct trk_event *by);
	/* After every event that changed live bytes. */
	void (*after)(void *data, const struct trk_event *e);
};

struct heap;

/* temporary_threshold: N of the definition above. TRK_ERR_NOMEM. */
int heap_new(struct heap **ret, uint32_t temporary_threshold, const struct heap_observer *o);
void heap_free(struct heap *h); /* NULL-safe */

/* 0, TRK_ERR_NOMEM. Never fails on strange events: it counts them. */
int heap_apply(struct heap *h, const struct trk_event *e);

/* The process ended: nothing changes in the totals, its blocks stay as leaked. */
const struct heap_totals *heap_totals(const struct heap *h);
/* Of one process; zeroes for an index never seen. */
const struct heap_totals *heap_process_totals(const struct heap *h, uint32_t process);

/* The live block that contains `address` (interior pointers count), or NULL. */
const struct heap_block *heap_find(const struct heap *h, uint32_t process, uint64_t address);

/* Calls f for every live block, in no order; stops when it returns non-zero and returns that. */
int heap_each(const struct heap *h, int (*f)(void *data, const struct heap_block *b), void *data);

#endif
