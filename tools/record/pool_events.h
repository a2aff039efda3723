/*
 * pool_events - what the records of one process change in the table of its pools, and what a range of them becomes in
 * the capture.
 */
#ifndef RECORD_POOL_EVENTS_H
#define RECORD_POOL_EVENTS_H

#include "recorder.h"

/* An event, before it is delivered. For a process that has pools. */
void pool_events_note(struct recorder *r, struct process *p, const struct wire_record *h);
/* The record of a range, at the head of the stream: delivers the end of each of its blocks. heap: as for pools_take_range. */
void pool_events_release(struct recorder *r, struct process *p, const struct stream *s, const struct heap *heap);

#endif
