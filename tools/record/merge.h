/*
 * merge - the events of one process's threads, in their one order.
 *
 * Consumes what is final. A realloc's begin (or an mremap's) waits a few rounds for its end, so
 * that almost every realloc is one event; when another thread's event lies
 * between them, or the call takes long, it is written in two parts.
 */
#ifndef RECORD_MERGE_H
#define RECORD_MERGE_H

#include "recorder.h"

/* Writes the events of `p` up to p->limit; all of them when `final`. */
void merge_process(struct recorder *r, struct process *p, bool final);

#endif
