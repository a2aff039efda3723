/* course_private - what the files of course share: course.c (sites and steps), course_span.c (points) and course_read.c. */
#ifndef REPLAY_COURSE_PRIVATE_H
#define REPLAY_COURSE_PRIVATE_H

#include "replay/course.h"
#include "replay/heap.h"

struct course_reading {
	struct course *course;
	struct capture *capture;
	const struct course_options *options;
	uint64_t (*edges)[COURSE_BINS]; /* by process: when each bin of events begins; NULL: everything is replayed */
	uint64_t to_applied; /* of the question's events, so many are before the end of the run */
	uint32_t keyframe; /* that is being read */
};

/* ---- course.c ---- */

/* The bin of a position between two others. */
uint32_t course_bin(uint64_t at, uint64_t from, uint64_t to);
/* The process goes on to its event number `event`. */
void course_move(struct course *t, uint32_t process, uint64_t event, uint64_t time_ns);
/* The same, when bins are known. */
void course_go(struct course_process *p, uint32_t event_bin, uint32_t time_bin);
/* Nine tenths of the run are over, by events or by time, and half of it by both; of a short run, only by events. */
bool course_is_late(const struct course_process *p, uint8_t tick);
/* A live set is read for the tick at which the process is: one that was read for the same tick is forgotten. */
void course_clear_tick(struct course *t, uint32_t process);

/* What becomes of blocks while events are replayed; and what a keyframe says of them. data: a course_reading. */
struct heap_observer course_observer(struct course_reading *r);
struct heap_observer course_keyframe_observer(struct course_reading *r);

/* ---- course_span.c ---- */

/*
 * Which events and which time of each process are the run. exactly: all events up to its end may be read for that.
 * TRK_ERR_ARG: there is no such point; TRK_ERR_NOMEM.
 */
int course_span(struct course_reading *r, bool exactly, struct trk_fault *fault);
/* Whether the question is about the process of a block; and how many of its events were before a time, by its header. */
bool course_is_of(const struct course_reading *r, const struct cap_block *b);
uint64_t course_within(const struct cap_block *b, uint64_t time_ns);
/* When each bin of the events of each process begins, by the headers of blocks. TRK_ERR_NOMEM. */
int course_edges(struct course_reading *r);

#endif
