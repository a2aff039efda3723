/*
 * answer - what programs ask by tracker.h (format/shm.h, "questions"), answered from the recorder's own tables at the place in the
 * order of events where it was asked.
 */
#ifndef RECORD_ANSWER_H
#define RECORD_ANSWER_H

#include "recorder.h"

/*
 * A record of enum wire_rare was met among the events of `p`, with the stack of that node, if it came with one. All events before
 * it are applied.
 */
void answer_record(struct recorder *r, struct process *p, const struct wire_record *record, uint32_t node);
/* Sends answers that have waited for something, and lets captures of programs write what is due. Called once a round. */
void answer_round(struct recorder *r);
/* Gives the events of the batch to the live sets that traced processes have besides the recording's. */
void answer_apply(const struct recorder *r);
/* The process executes another program, or has ended: everything that it asked for ends. Waits until its capture is finished. */
void answer_forget(struct recorder *r, struct process *p);

/* Bytes of memory that the recording needs, here and in the segment. */
uint64_t answer_cost(const struct recorder *r);

/* Gives back what is kept for it: the recording is over. */
void answer_free(struct process *p);

/* The program in that slot is gone: entries of questions whose answers it has not read become free. */
void answer_free_slot(struct recorder *r, uint32_t slot);

#endif
