/* traceback_object - the frames of one stack, or the key of a statistic in the form of one. */
#ifndef LIBRARY_TRACEBACK_OBJECT_H
#define LIBRARY_TRACEBACK_OBJECT_H

#include "symbols/stack.h"
#include "tracker-replay.h"

struct source;

struct tracker_traceback {
	const struct source_frame *frames; /* most recent first */
	size_t count;
	uint64_t total; /* including frames that were cut off */
	char *key; /* how a line of statistics begins; NULL: with the most recent frame */
	struct source *owner; /* it is the caller's, and keeps this; NULL: it belongs to the object that returned it */
};

/* A copy of n > 0 frames, the last of which may stand for frames that were cut off. NULL: there is no memory. */
struct tracker_traceback *traceback_new(const struct source_frame *frames, size_t n);
void traceback_drop(struct tracker_traceback *t); /* NULL-safe */

#endif
