/*
 * every_event - all events of a report's capture through a heap, in order, with a line of progress: for reports that follow blocks through
 * their lives. What the heap's observer does with them is the report's own.
 */
#ifndef REPORTERS_EVERY_EVENT_H
#define REPORTERS_EVERY_EVENT_H

#include "common/report.h"
#include "replay/heap.h"

struct every_event {
	void *data;
	void (*before)(void *data, const struct trk_event *e); /* the heap gets the event next */
	void (*ended)(void *data, uint32_t process); /* and the heap knows; NULL: nobody asks */
};

/* The heap is new; it is told what the capture says of pages and samples. TRK_ERR_NOMEM, or what a cursor says. */
int every_event(struct report *r, struct heap *heap, const struct every_event *f);

#endif
