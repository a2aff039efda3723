/*
 * timeline - the largest number of live bytes in each span of time, in bounded memory: when there are too many spans,
 * each becomes twice as long.
 */
#ifndef REPLAY_TIMELINE_H
#define REPLAY_TIMELINE_H

#include <stdint.h>

#include "format/sums.h"

#define TIMELINE_SPANS (TRK_HISTORY_MAX - 1) /* at most: one more stands behind them */

struct timeline {
	uint64_t *most; /* of span first + i; behind the last of them: live since then */
	uint64_t first;
	uint32_t count, room, shift; /* a span is 2^shift ns */
};

/* Live bytes are `bytes` from time_ns on; times do not decrease (an earlier one counts as the last). TRK_ERR_NOMEM. */
int timeline_note_slow(struct timeline *t, uint64_t time_ns, uint64_t bytes);

static inline int timeline_note(struct timeline *t, uint64_t time_ns, uint64_t bytes)
{
	const uint64_t span = time_ns >> t->shift;

	/* the last span, and nearly always that one */
	if (!t->count || span != t->first + t->count - 1)
		return timeline_note_slow(t, time_ns, bytes);
	if (bytes > t->most[t->count - 1])
		t->most[t->count - 1] = bytes;
	t->most[t->count] = bytes;
	return 0;
}

void timeline_finish(struct timeline *t); /* zero-safe */

#endif
