/*
 * watch - programs that were executed and have not attached. Most of them attach a moment later. A program that ends
 * before, or does not attach until the recording ends, was not recorded: a notice names it, with the reason that its
 * file, or its exec, gives.
 *
 * Hooks note execs in the segment (format/shm.h); unseen.c finds the others. A process that has ended is judged one
 * round later, when everything that it registered before is known.
 */
#ifndef RECORD_WATCH_H
#define RECORD_WATCH_H

#include "recorder.h"

/*
 * Called once a round, when new processes are known: looks at requests, executions, and programs that attached or ended. `all_known`:
 * every program that has attached is known. Otherwise, none is said to be missing.
 */
void watch_round(struct recorder *r, bool all_known);
/* `pid` runs a program that has not attached. `number`: how many programs had attached when the recorder looked at it. */
void watch_add(struct recorder *r, uint32_t pid, const char *starter, uint64_t number);
/*
 * The kernel has reported that `pid` executed the file `path` (NULL: unknown), when at least `number` programs had
 * attached. `starter`: the name of the program that started it, or NULL.
 */
void watch_executed(struct recorder *r, uint32_t pid, const char *path, const char *starter, uint64_t number);
/* Executions that may still attach. */
bool watch_waits(const struct recorder *r);
/* The recording is over: writes notices about all programs that were missed. */
void watch_finish(struct recorder *r);
void watch_release(struct recorder *r);

#endif
