/*
 * traced - the blocks that one process has allocated since it asked to be traced (tracker_start). They are a live set
 * of its own beside the recording's, so that each of the two begins, is cleared and ends without the other.
 *
 * The same replay code that reports use feeds it with the same events, in their order.
 */
#ifndef RECORD_TRACED_H
#define RECORD_TRACED_H

#include "replay/heap.h"

struct trace;

/* NULL: there is no memory. */
struct trace *trace_new(uint32_t nframe, uint32_t page_bytes);
void trace_free(struct trace *t); /* NULL-safe */

/* For a process that is forked: what is live in its parent is live there, too. NULL: there is no memory. */
struct trace *trace_copy(const struct trace *parent, uint32_t page_bytes);
/* The most blocks that a copy has. */
uint64_t trace_blocks(const struct trace *t);

/* An event of its process, whichever index that has. If there is no memory, it counts as lost. */
void trace_apply(struct trace *t, const struct trk_event *e);

/* As heap_last_ref. */
uint32_t trace_last_ref(const struct trace *t);

uint32_t trace_nframe(const struct trace *t);
uint64_t trace_lost(const struct trace *t); /* events of its process, since it began */
const struct heap *trace_heap(const struct trace *t);

struct trace_memory {
	uint64_t bytes, peak_bytes;
};
/* The figures of one domain, or of all (SHM_ALL_DOMAINS). */
struct trace_memory trace_memory(const struct trace *t, uint64_t domain);
void trace_reset_peak(struct trace *t);

/* The live block in which `address` lies, at its first byte or another one. False: there is none. */
bool trace_block(const struct trace *t, uint32_t domain, uint64_t address, struct heap_block *ret);

#endif
