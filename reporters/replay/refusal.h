/* refusal - why a file could not be opened as a capture, in a sentence. */
#ifndef REPLAY_REFUSAL_H
#define REPLAY_REFUSAL_H

#include "format/trk.h"

#define REFUSAL_ROOM 4096u

/*
 * The sentence for a failure of capture_open; error: its errno. failed: what could not be done with a file that is no
 * capture; NULL: "Failed to parse allocation records in". Returns buf.
 */
char *refusal_words(const char *path, const struct trk_fault *fault, int error, const char *failed, char buf[REFUSAL_ROOM]);

#endif
