/* stop - a point of a capture that a replay looks for while events pass. */
#ifndef REPLAY_STOP_H
#define REPLAY_STOP_H

#include "replay/view.h"

struct stop {
	struct point point;
	uint64_t after_event; /* for SHARE, and for a PEAK that is known: number of events before it */
	uint64_t marks_left; /* NTH_MARK */
	uint64_t time_ns, met_at; /* time of the point, and number of events before it, when it was found */
	bool met;
};

/* peak_event: number of events up to the peak; process: of those that a share is of. */
void stop_set(struct stop *s, const struct point *p, const struct capture *c, uint32_t process,
	      uint64_t peak_event);

/* Goes on by event e, when `applied` events are done; whether the point is here, before it. Once for each event. */
bool stop_step(struct stop *s, const struct trk_event *e, uint64_t applied);

/* Whether the point depends on which marks came before. */
bool stop_counts_marks(const struct stop *s);

/* So many marks passed unseen. False: the point is one of them. */
bool stop_skip_marks(struct stop *s, uint64_t marks);

/*
 * Called after the last event. A point that was not found is valid if it is the very end. Otherwise TRK_ERR_ARG, and
 * the fault says what there is: `marks`, time until end_ns.
 */
int stop_check(const struct stop *s, uint64_t end_ns, const char *marks, struct trk_fault *fault);

#endif
