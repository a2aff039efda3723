/*
 * process_ends - when the processes of a capture ended, in order of time. Code that replays events must also end the
 * processes, because the blocks that they left are no longer in memory.
 */
#ifndef REPLAY_PROCESS_ENDS_H
#define REPLAY_PROCESS_ENDS_H

#include "replay/capture.h"

struct process_end {
	uint64_t time_ns;
	uint32_t process;
};

struct process_ends {
	struct process_end *list; /* by time */
	uint32_t count, next;
};

/* A process is not over before its last block of events is. TRK_ERR_NOMEM. */
int process_ends_init(struct process_ends *e, const struct capture *c);
void process_ends_finish(struct process_ends *e); /* zero-safe */

/* Whether a process ended before time_ns that process_ends_take_before() has not returned yet. */
static inline bool process_ends_are_before(const struct process_ends *e, uint64_t time_ns)
{
	return e->next < e->count && e->list[e->next].time_ns < time_ns;
}

/* The next process that ended before time_ns, or NULL; steps over it. */
static inline const struct process_end *process_ends_take_before(struct process_ends *e, uint64_t time_ns)
{
	return process_ends_are_before(e, time_ns) ? &e->list[e->next++] : NULL;
}

#endif
