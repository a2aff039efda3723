/*
 * live_stream - a capture that comes over a socket while it is recorded, for a view: tracker live PORT.
 *
 * A thread takes what comes and keeps it in a file without a name, of which pictures are made. It acknowledges nothing but the end, so the other
 * side keeps all of it: another view, or tracker receive, may come later.
 */
#ifndef LIVE_STREAM_H
#define LIVE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/stream/address.h"

struct live_stream;

enum live_stream_state {
	LIVE_STREAM_BEFORE, /* the other side has not begun to record */
	LIVE_STREAM_GOES_ON,
	LIVE_STREAM_WHOLE, /* the recording has ended, and all of it is here */
	LIVE_STREAM_CUT, /* the connection has ended before */
};

/* Connects, and begins to take what comes. An errno, or 0. */
int live_stream_open(struct live_stream **ret, const struct address *to);
/* Waits until the recording has begun, and nothing has come for that long, but not longer than `most_ms`. */
void live_stream_settle(struct live_stream *s, unsigned quiet_ms, unsigned most_ms);
/* What came so far is a capture at `path`. why: of CUT, a sentence; otherwise "". */
enum live_stream_state live_stream_now(struct live_stream *s, char *path, size_t path_room, char *why, size_t why_room);

#endif
