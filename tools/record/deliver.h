/*
 * deliver - records -> events: to the file and to the live heap that the summary
 * comes from.
 */
#ifndef RECORD_DELIVER_H
#define RECORD_DELIVER_H

#include "recorder.h"

/* Takes the event. After deliver_flush, the heap and the writer have it, too. */
void deliver(struct recorder *r, struct process *p, const struct trk_event *e);
void deliver_flush(struct recorder *r);
/* The least time of the next event: it is behind the last one in the order of readers, too, by time, then by process. */
static inline uint64_t deliver_least_time(const struct recorder *r, const struct process *p)
{
	const uint64_t least_ns = r->last_time_ns + (p->index < r->last_process);

	return least_ns > p->last_time_ns ? least_ns : p->last_time_ns;
}

/* Takes the event at s->head, which is not a part of a realloc. */
void deliver_head(struct recorder *r, struct process *p, struct stream *s);
/* deliver_alike.c: decodes the common records behind the head, in its epoch, directly from the bytes into the batch. */
void deliver_alike(struct recorder *r, struct process *p, struct stream *s);
/* s->head is WIRE_REALLOC_BEGIN or WIRE_MREMAP_BEGIN: remembers it, and writes nothing. */
void deliver_begin(struct recorder *r, struct process *p, struct stream *s);
/* The end of the realloc does not follow its begin: writes the first of two parts. */
void deliver_release(struct recorder *r, struct process *p, struct stream *s);
/* s->head is WIRE_REALLOC_END or TRK_MREMAP: directly behind its begin (one event) or not (second part). */
void deliver_end(struct recorder *r, struct process *p, struct stream *s);
/* The rest of the thread cannot be read (TRK_ERR_*). It is dropped, and a gap takes its place. */
void deliver_broken(struct recorder *r, struct process *p, struct stream *s, int err);
void deliver_mapping_gone(void *deliver_context, const struct module_range *range);
struct deliver_context {
	struct recorder *r;
	const struct process *p;
	uint64_t unload_time_ns;
};

/* All events of the process were applied, and it has ended, at p->end_ns (or a little later). */
void deliver_end_process(struct recorder *r, struct process *p);

#endif
