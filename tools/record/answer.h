/*
 * answer - what programs ask by tracker.h (format/shm.h, "questions"), answered from the recorder's own tables at the place in the
 * order of events where it was asked.
 */
#ifndef RECORD_ANSWER_H
#define RECORD_ANSWER_H

#include "recorder.h"

/* The question in that entry was met among the events of `p`; all events before it are applied. */
void answer_question(struct recorder *r, struct process *p, uint32_t entry);
/* Answers that have waited for something. Once a round. */
void answer_waiting(struct recorder *r);
/* The events of the batch, to the live sets that traced processes have besides the recording's. */
void answer_apply(const struct recorder *r);
/* A process was forked: it is traced if its parent is. */
void answer_forked(struct recorder *r, struct process *p);
/* It is traced no more: it says so, executes another program, or has ended. */
void answer_forget(struct recorder *r, struct process *p);

#endif
