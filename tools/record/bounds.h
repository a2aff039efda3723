/*
 * bounds - how long a recording goes on, and how large its file may become.
 *
 * The size is tracked by credit: before the writer writes something, it takes an upper bound of its size from the
 * credit. When the credit is used up, the file is measured again, including what is pending and what the end will
 * need. The result is always less than what was taken, because events are compressed. So the file is seldom measured
 * while there is room, and every few hundred events near the end.
 */
#ifndef RECORD_BOUNDS_H
#define RECORD_BOUNDS_H

#include "recorder.h"

/* Whether the file may grow by `bytes`; false: it is full. Measures the file and sets the credit anew. */
bool bounds_measure(struct recorder *r, uint32_t bytes);

static inline bool bounds_take(struct recorder *r, uint32_t bytes)
{
	r->bounds.credit -= bytes;
	return __builtin_expect(r->bounds.credit >= 0, 1) || bounds_measure(r, bytes);
}

/* Bytes that may still be written so that the end fits, too. */
int64_t bounds_room(const struct recorder *r);
/* Whether the time is over or the file is full. */
enum stopped_by bounds_reached(const struct recorder *r);
/* Says in the capture when and why it ends before its processes (r->bounds.stopped_*). */
void bounds_notice(struct recorder *r);

#endif
