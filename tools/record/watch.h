/*
 * watch - programs that were executed and have not attached: most of them do so a moment
 * later. One that has ended by then, or never did until the recording ends, was not recorded: it
 * is told of, with the reason that its file, or its execution, gives.
 *
 * Hooks note executions in the segment (format/shm.h); unseen.c finds the others. A process that
 * is seen to have ended is judged a round later, when what it registered before is known.
 */
#ifndef RECORD_WATCH_H
#define RECORD_WATCH_H

#include "recorder.h"

/* Once a round, when new processes are known: requests, executions, those that attached, those that ended. */
void watch_round(struct recorder *r);
/* `pid` runs a program that has not attached; `number`: programs that had attached when it was looked at. */
void watch_add(struct recorder *r, uint32_t pid, const char *starter, uint64_t number);
/*
 * The kernel has told that `pid` executed the file `path` (NULL: nobody knows which), when at least `number` programs had
 * attached; `starter`: the name of who started it, or NULL.
 */
void watch_executed(struct recorder *r, uint32_t pid, const char *path, const char *starter, uint64_t number);
/* Executions that may still attach. */
bool watch_waits(const struct recorder *r);
/* The recording is over: notices for all that were missed. */
void watch_finish(struct recorder *r);
void watch_release(struct recorder *r);

#endif
