/*
 * process_totals - heap totals of processes by index. They are large, and a capture may name many processes that did
 * nothing, so they exist only where something was counted.
 */
#ifndef REPLAY_PROCESS_TOTALS_H
#define REPLAY_PROCESS_TOTALS_H

#include "replay/heap.h"

struct process_totals {
	struct heap_totals **of; /* NULL: never reached */
	uint32_t count;
};

/* For indices below count. TRK_ERR_NOMEM. */
int process_totals_init(struct process_totals *t, uint32_t count);
void process_totals_finish(struct process_totals *t); /* zero-safe */

/* The totals of the process, all zero the first time. NULL: there is no memory. */
struct heap_totals *process_totals_reach(struct process_totals *t, uint32_t process);

/* For reading; zeroes if the process has none. */
const struct heap_totals *process_totals_get(const struct process_totals *t, uint32_t process);

#endif
