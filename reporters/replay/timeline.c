/* timeline - see timeline.h. */
#include "replay/timeline.h"

#include "format/array.h"

#include <stdlib.h>

#define SHIFT_FIRST 20u /* a millisecond */

/* Spans become twice as long: two and two are one. */
static void halve(struct timeline *t)
{
	const uint64_t first = t->first / 2, now = t->most[t->count];
	uint32_t count = 0;

	for (uint32_t i = 0; i < t->count; i++) {
		const uint32_t to = (uint32_t)((t->first + i) / 2 - first);

		if (to == count)
			t->most[count++] = t->most[i];
		else if (t->most[i] > t->most[to])
			t->most[to] = t->most[i];
	}
	t->first = first;
	t->count = count;
	t->most[count] = now;
	t->shift++;
}

/* Room for `count` spans and for what comes behind them. */
static int reach(struct timeline *t, uint32_t count)
{
	return ARRAY_ROOM(t->most, t->room, (size_t)count + 1, 16) ? 0 : TRK_ERR_NOMEM;
}

static int begin(struct timeline *t, uint64_t time_ns, uint64_t bytes)
{
	if (reach(t, 1) != 0)
		return TRK_ERR_NOMEM;
	t->shift = t->shift ? t->shift : SHIFT_FIRST;
	t->first = time_ns >> t->shift;
	t->most[0] = t->most[1] = bytes;
	t->count = 1;
	return 0;
}

int timeline_note_slow(struct timeline *t, uint64_t time_ns, uint64_t bytes)
{
	uint64_t span, before;

	if (!t->count)
		return begin(t, time_ns, bytes);
	while ((span = time_ns >> t->shift) >= t->first + TIMELINE_SPANS)
		halve(t);
	if (span >= t->first + t->count) {
		if (reach(t, (uint32_t)(span - t->first) + 1) != 0)
			return TRK_ERR_NOMEM;
		/* where nothing happened, and until something happened, the value is the one before */
		for (before = t->most[t->count]; t->first + t->count <= span;)
			t->most[t->count++] = before;
	}
	if (bytes > t->most[t->count - 1])
		t->most[t->count - 1] = bytes;
	t->most[t->count] = bytes;
	return 0;
}

void timeline_finish(struct timeline *t)
{
	free(t->most);
	*t = (struct timeline){ 0 };
}
