/* seek - finds the smallest part of a capture that must be replayed to answer a question. */
#ifndef REPLAY_SEEK_H
#define REPLAY_SEEK_H

#include "replay/stop.h"

#define SEEK_NONE UINT32_MAX

struct seek {
	uint32_t keyframe; /* from which on is replayed; SEEK_NONE: from the beginning */
	uint32_t process; /* whose events: an index, or UINT32_MAX: all */
	struct stop *points[2]; /* that are to be met; one that needs no event is POINT_END */
};

/*
 * Whether fewer than all events answer the question: at most those up to its point. What was
 * lost behind it is known from HEALTH then. (Of a capture that is cut nobody knows it.)
 */
bool seek_answers(const struct capture *c, const struct view_options *o);

/*
 * The peak as the recorder found it: number of events up to it, and its time. False: not known,
 * for its order of the events of several processes was another one than theirs by time.
 */
bool seek_knows_peak(const struct capture *c, uint32_t process, uint64_t *ret_event,
		     uint64_t *ret_ns);

/*
 * The last keyframe that comes before all of the points; SEEK_NONE: there is none, and one that the
 * capture begins with does not count. TRK_ERR_NOMEM.
 */
int seek_choose(const struct capture *c, const struct seek *s, uint32_t *ret_keyframe);

/*
 * Fills the empty heap with what is live before the first event of the replay: *ret_events come
 * before it, it stands in block *ret_block of the capture or behind. Points that count marks are
 * told of those that are not seen. TRK_ERR_CORRUPT: the keyframe is of no use; TRK_ERR_NOMEM.
 */
int seek_begin(struct capture *c, const struct seek *s, struct heap *h, uint64_t *ret_events,
	       uint32_t *ret_block);

#endif
