/*
 * patience - how long a program waits for the recorder. A recorder that works may be behind; one that makes no progress for a second
 * is stopped or dead. All programs of a recording learn that from the first one that waited in vain: none waits again, as long
 * as there is no progress.
 *
 * No system calls, no clock: the caller says how long it has waited. For any thread, and for signal handlers.
 */
#ifndef PATIENCE_H
#define PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

struct patience {
	uint32_t seen; /* of the recorder's progress */
	unsigned waited_ms, still_ms;
};

struct patience patience_begin(void);
/* After so much more time: whether to go on waiting. False, too, if the recording is over. */
bool patience_lasts(struct patience *p, unsigned ms);
/* Somebody has waited in vain, and the recorder has made no progress since. */
bool patience_is_over(void);

#endif
