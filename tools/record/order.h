/*
 * order - which event of a process is next, over all its threads.
 *
 * Every epoch belongs to one thread, so (epoch, program order) is total; two
 * streams with one epoch mean that a thread slot was reused, and the older
 * stream goes first. Only what is final may be asked for: the caller gives the
 * highest epoch that nobody can still publish an earlier event than.
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
 * Up to which epoch (inclusive) the first stream goes on before another one's
 * head: the same stream may be consumed that far without a look at the others.
 * Never more than `limit`.
 */
uint64_t order_run(const struct order *o, uint64_t limit);

/* The first stream was consumed some way: puts it in its place, or takes it out when it has no head. */
void order_fix(struct order *o);

#endif
