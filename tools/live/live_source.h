/*
 * live_source - where pictures come from: the recorder of a program that runs, as often as they are asked for; a capture that comes over a
 * socket; or a file that nobody writes any more, as it ended.
 */
#ifndef LIVE_SOURCE_H
#define LIVE_SOURCE_H

#include "replay/capture.h"
#include "live_stream.h"
#include "tools/contact.h"

enum live_state {
	LIVE_RECORDING,
	LIVE_WAITING, /* the recording begins later; what lives is known */
	LIVE_ENDED, /* the recording has ended, and its file is whole */
	LIVE_BROKEN, /* the recorder is gone without an end: it was killed */
	LIVE_LEFT, /* the other side of the stream is gone without an end */
	LIVE_FILE, /* it was a finished file from the start */
};

/* "recording": the word for programs. */
const char *live_state_name(enum live_state state);

struct live_source {
	struct contact contact; /* of the recorder, while there is one; the answer is the last one */
	struct live_stream *stream; /* NULL: it is none; otherwise there is no contact */
	enum live_state state;
	char file[4096]; /* the capture; "": it has no name */
};

#define LIVE_WHY_ROOM 1024u

/* who: a pid, the path of a capture, or where a program waits for a client: PORT, HOST:PORT, the path of a socket. An exit code; if it is not UI_OK, the reason is printed. */
int live_source_open(struct live_source *s, const char *who);
/* The same for a recorder that has just been started, and may not listen yet: waits for it. */
int live_source_await(struct live_source *s, pid_t recorder);

/*
 * What lives now, as a capture, which is the caller's. s->state says what the recording does. 0, or an errno, and why: there is
 * none; a later try may have more luck while it is recording.
 */
int live_source_fetch(struct live_source *s, struct capture **ret, char why[LIVE_WHY_ROOM]);

/* Puts a mark into the recording, or writes a snapshot into a new file. False: the sentence says why. */
bool live_source_mark(const struct live_source *s, const char *label, char why[LIVE_WHY_ROOM]);
bool live_source_snapshot(const struct live_source *s, const char *path, char why[LIVE_WHY_ROOM]);

/* Whether it is still recorded. */
static inline bool live_source_has_recorder(const struct live_source *s)
{
	return s->state == LIVE_RECORDING || s->state == LIVE_WAITING;
}

#endif
