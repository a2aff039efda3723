/*
 * round - one pass over the segment.
 *
 * What is final: an event that will still be published with a stamp of at most
 * E, the epoch of a process when the round began, comes from a thread that
 * loaded the order word before we did, and so had set its busy flag before. The
 * membarrier makes that flag visible: the target has no fence on its way.
 * Without membarrier E of the round before is taken; the time between two
 * rounds is far longer than any store waits in a buffer.
 */
#ifndef RECORD_ROUND_H
#define RECORD_ROUND_H

#include "recorder.h"

/* One round. True: there is more to read right now. *ret_events: how many were read. */
bool round_run(struct recorder *r, uint64_t *ret_events);
/* Reads and writes everything of the program that runs in `p`, which runs no more. */
void round_drain(struct recorder *r, struct process *p);
/*
 * Closes the segment: no process publishes more than one event a thread from now on. Reads and
 * writes what they have published, as far as its order is known.
 */
void round_close(struct recorder *r);

#endif
