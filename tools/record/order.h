/*
 * order - which event of a process is next, over all its threads.
 *
 * Every epoch belongs to one thread, so (epoch, program order) is total. Two streams with one epoch mean that a
 * thread slot was reused, and the older stream goes first. Only final events may be asked for: the caller gives the
 * highest epoch before which nobody can publish an event any more.
 */
#ifndef RECORD_ORDER_H
#define RECORD_ORDER_H

#include "stream.h"

/* Streams with a head, a binary heap by (epoch, serial). Zero-initialized: empty. */
struct order {
	struct stream **heap;
	size_t count, room;
};

void order_finish(struct order *o);

/* Adds a stream that has a head. TRK_ERR_NOMEM. */
int order_add(struct order *o, struct stream *s);

/* The stream whose head is next, or NULL. */
static inline struct stream *order_first(const struct order *o)
{
	return o->count ? o->heap[0] : NULL;
}

/*
 * The epoch (inclusive) up to which the first stream goes on before another one's head: the same stream may be
 * consumed that far without a look at the others. Never more than `limit`.
 */
uint64_t order_run(const struct order *o, uint64_t limit);

/* The first stream was consumed some way: puts it in its new place, or takes it out if it has no head. */
void order_fix(struct order *o);

#endif
