/*
 * merge - the events of all threads of one process, in their order.
 *
 * It consumes only events that are final. The begin of a realloc (or an mremap) waits a few rounds for its end, so
 * that almost every realloc becomes one event. If another thread's event lies between them, or the call takes long, it
 * is written in two parts.
 */
#ifndef RECORD_MERGE_H
#define RECORD_MERGE_H

#include "recorder.h"

/* Writes the events of `p` up to p->limit; all of them when `final`. */
void merge_process(struct recorder *r, struct process *p, bool final);

#endif
