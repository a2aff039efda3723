/*
 * round - one pass over the segment.
 *
 * What is final: let E be the epoch of a process when the round began. An event that will still be published with a
 * stamp of at most E comes from a thread that loaded the order word before the recorder did, and so had set its busy
 * flag before. The membarrier makes that flag visible, because the target has no fence on its way. Without
 * membarrier, E of the round before is taken: the time between two rounds is far longer than any store waits in a
 * buffer.
 */
#ifndef RECORD_ROUND_H
#define RECORD_ROUND_H

#include "recorder.h"

/* One round. True: there is more to read right now. *ret_events: how many were read. */
bool round_run(struct recorder *r, uint64_t *ret_events);
/* Reads and writes everything of the program that ran in `p` and runs no more. */
void round_drain(struct recorder *r, struct process *p);
/*
 * Closes the segment: from now on, each thread publishes at most one event. Reads and writes the events that they
 * have published, as far as their order is known.
 */
void round_close(struct recorder *r);

#endif
