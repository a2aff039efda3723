/*
 * send_private - how an event is written: what send.c and send_rare.c share.
 */
#ifndef SEND_PRIVATE_H
#define SEND_PRIVATE_H

#include <string.h>

#include "send.h"
#include "state.h"

#define OPERANDS_MAX 80u

/* Bytes that every event writes before its operands. */
struct draft {
	uint8_t *head, *at;
};

bool send_make_room(struct thread *t, size_t bytes);
/* Writes head, epoch and time. From here to finish() the recorder waits for this thread. */
struct draft send_begin(struct thread *t, uint8_t kind);
/* Begins an event with a stack, up to its operands. False: it was dropped and counted. */
bool send_begin_with_stack(struct thread *t, uint8_t kind, const struct site *at, size_t operands, struct draft *d);
/* The same for an event without a stack. */
bool send_begin_plain(struct thread *t, uint8_t kind, struct draft *d);

static inline void publish(struct thread *t, uint8_t *end)
{
	t->at = end;
	atomic_store_explicit(&t->chunk->committed, (uint32_t)(end - t->chunk->payload),
			      memory_order_release);
}

static inline void finish(struct thread *t, const struct draft *d)
{
	publish(t, d->at);
	atomic_store_explicit(&t->slot->busy, SHM_IDLE, memory_order_release);
}

static inline void put_address(struct thread *t, struct draft *d, uintptr_t address)
{
	d->at = put_zigzag(d->at, (int64_t)(address - t->last.address));
	t->last.address = address;
}

static inline void put_string(struct draft *d, const void *bytes, uint32_t size)
{
	d->at = put_varint(d->at, size);
	if (size) /* of nothing, bytes may be NULL */
		memcpy(d->at, bytes, size);
	d->at += size;
}

#endif
