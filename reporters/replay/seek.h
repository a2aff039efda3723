/* seek - finds the smallest part of a capture that must be replayed to answer a question. */
#ifndef REPLAY_SEEK_H
#define REPLAY_SEEK_H

#include "replay/stop.h"

#define SEEK_NONE UINT32_MAX

struct seek {
	uint32_t keyframe; /* the keyframe from which on events are replayed; SEEK_NONE: from the beginning */
	uint32_t process; /* whose events are needed: an index, or UINT32_MAX: all */
	struct stop *points[2]; /* points that must be found; one that needs no event is POINT_END */
};

/*
 * Whether fewer than all events answer the question: at most those up to its point. What was
 * lost behind it is known from HEALTH then. (Of a capture that is cut nobody knows it.)
 */
bool seek_answers(const struct capture *c, const struct view_options *o);

/*
 * The peak as the recorder found it: number of events up to it, and its time. False: it is not known, because the
 * recorder's order of the events of several processes differed from the order by time.
 */
bool seek_knows_peak(const struct capture *c, uint32_t process, uint64_t *ret_event,
		     uint64_t *ret_ns);

/*
 * The last keyframe that comes before all of the points. SEEK_NONE: there is none; the one with which the capture
 * begins does not count. TRK_ERR_NOMEM.
 */
int seek_choose(const struct capture *c, const struct seek *s, uint32_t *ret_keyframe);

/*
 * Fills the empty heap with the blocks that are live before the first event of the replay. *ret_events come before
 * that event, which stands in block *ret_block of the capture or later. Points that count marks are told of the marks
 * that the replay does not see. TRK_ERR_CORRUPT: the keyframe cannot be used; TRK_ERR_NOMEM.
 */
int seek_begin(struct capture *c, const struct seek *s, struct heap *h, uint64_t *ret_events,
	       uint32_t *ret_block);

#endif
