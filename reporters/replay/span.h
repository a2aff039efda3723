/*
 * span - the totals of the blocks that were allocated in a part of a capture: in
 * a range between two points, or inside a named region of tracker.h.
 */
#ifndef REPLAY_SPAN_H
#define REPLAY_SPAN_H

#include "replay/process_totals.h"

struct span {
	const char *region; /* NULL: the part is no region */
	uint32_t *depth; /* of the region, by thread: regions of one name nest */
	uint32_t threads, processes;
	bool met; /* the region was entered at least once */
	char names[160]; /* of regions seen, for the message */
	struct heap_totals all, lost;
	struct process_totals of; /* each process; the last entry is for no process */
	bool no_memory; /* sums are missing */
	uint64_t now_bytes, now_blocks; /* live in processes that have not ended */
	struct sampling_error now_error;
};

/* region may be NULL; it must outlive the span. TRK_ERR_NOMEM. */
int span_init(struct span *s, const char *region, uint32_t threads, uint32_t processes);
void span_finish(struct span *s); /* NULL-safe, zero-safe */

/* Goes on by event e. Returns whether its thread is inside the region when e happens. Called for every event, in order. */
bool span_step(struct span *s, const struct trk_event *e);

/* Called after the last event: TRK_ERR_ARG with a sentence if there was no such region. */
int span_check(const struct span *s, struct trk_fault *fault);

/* What happens to a block of the span, as a heap_observer is told; e: what it, or the part that died, stands for. */
void span_restored(struct span *s, const struct heap_block *b, const struct sampling_estimate *e);
void span_born(struct span *s, const struct heap_block *b, const struct sampling_estimate *e);
void span_grew(struct span *s, const struct heap_block *b, const struct sampling_estimate *e);
void span_died(struct span *s, const struct heap_block *b, const struct sampling_estimate *e,
	       bool temporary, const struct trk_event *by);
void span_aside(struct span *s, const struct heap_block *b, const struct sampling_estimate *e);
/* A clear: peaks begin anew. */
void span_cleared(struct span *s, const struct trk_event *e);
/* The blocks that the process still holds are leaked, and no longer part of the peak. */
void span_end_process(struct span *s, uint32_t process);

#endif
