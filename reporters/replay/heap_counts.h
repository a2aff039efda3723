/*
 * heap_counts - what the life of a block does to totals, peaks and the observer. Inline: heap.c runs one loop over all events.
 */
#ifndef REPLAY_HEAP_COUNTS_H
#define REPLAY_HEAP_COUNTS_H

#include "replay/heap_private.h"

/* One loop for all events, without a function call for each. */
#define ALWAYS inline __attribute__((always_inline))
/* Kept out of line, because nearly all events do not need it. */
#define SELDOM __attribute__((noinline, cold, unused))

static SELDOM void add_live_error(struct step *s, const struct sampling_estimate *e)
{
	sampling_add(&s->process->totals.live_error, e);
	sampling_add(&s->heap->now_error, e);
}

static SELDOM void take_live_error(struct step *s, const struct sampling_estimate *e)
{
	sampling_take(&s->process->totals.live_error, e);
	sampling_take(&s->heap->now_error, e);
}

static SELDOM void add_freed_error(struct heap_totals *t, const struct sampling_estimate *e,
				   bool temporary)
{
	sampling_add(&t->freed_error, e);
	if (temporary)
		sampling_add(&t->temporary_error, e);
}

static SELDOM void add_allocated_error(struct heap_totals *t, const struct sampling_estimate *e)
{
	sampling_add(&t->allocated_error, e);
}

static inline void add_live(struct step *s, const struct sampling_estimate *e)
{
	s->process->totals.live_bytes += e->bytes;
	s->process->totals.live_blocks += e->count;
	s->heap->now_bytes += e->bytes;
	s->heap->now_blocks += e->count;
	if (s->heap->sample_bytes)
		add_live_error(s, e);
}

static inline void take_live(struct step *s, const struct sampling_estimate *e)
{
	s->process->totals.live_bytes -= e->bytes;
	s->process->totals.live_blocks -= e->count;
	s->heap->now_bytes -= e->bytes;
	s->heap->now_blocks -= e->count;
	if (s->heap->sample_bytes)
		take_live_error(s, e);
}

static inline void tell_died(const struct step *s, const struct heap_block *b,
			     const struct sampling_estimate *e, bool temporary)
{
	const struct heap_observer *o = &s->heap->observer;

	if (o->died)
		o->died(o->data, b, e, temporary, s->event);
}

static inline void tell_aside(const struct step *s, const struct heap_block *b,
			      const struct sampling_estimate *e)
{
	if (s->heap->observer.aside)
		s->heap->observer.aside(s->heap->observer.data, b, e);
}

static inline void set_peak(struct heap_totals *t, uint64_t bytes, uint64_t blocks, uint64_t reserved,
			    const struct step *s, const struct sampling_error *error)
{
	t->peak_bytes = bytes;
	t->peak_blocks = blocks;
	t->peak_time_ns = s->event->time_ns;
	t->peak_event = s->heap->events;
	t->peak_reserved_bytes = reserved;
	if (s->heap->sample_bytes)
		t->peak_error = *error;
}

/* After an event that added bytes: ties go to the later one. */
static inline void look_for_peak(const struct step *s)
{
	struct heap *h = s->heap;
	struct heap_totals *t = &s->process->totals;

	if (t->live_bytes >= t->peak_bytes) {
		set_peak(t, t->live_bytes, t->live_blocks, t->reserved_bytes, s, &t->live_error);
		if (h->observer.own_peak)
			h->observer.own_peak(h->observer.data, s->event->process);
	}
	if (h->now_bytes >= h->totals.peak_bytes) {
		set_peak(&h->totals, h->now_bytes, h->now_blocks, h->now_reserved_bytes, s, &h->now_error);
		if (h->observer.peak)
			h->observer.peak(h->observer.data, s->event);
	}
}

/* The allocations that refs count: docs/FORMAT.md, "PREDICTED". */
static inline bool is_numbered(const struct trk_event *e)
{
	return trk_kind_among(e->kind, TRK_KINDS_WITH(TRK_NUMBERED));
}

/* Field by field into its place: a copy of the whole would wait for its parts to be stored. */
static inline void fill_block(struct heap_block *b, const struct step *s, uint8_t kind)
{
	const struct trk_event *e = s->event;

	b->address = e->address;
	b->size = e->size;
	b->time_ns = e->time_ns;
	b->number = is_numbered(e) ? ++s->process->numbers : 0;
	b->process = e->process;
	b->thread = e->thread;
	b->node = e->node;
	b->domain = e->domain;
	b->user = 0;
	b->kind = kind;
	b->aside = false;
	b->serial = 0;
	b->restored = b->reserved = b->arena = b->untouched = false;
}

static inline void count_born(struct step *s, struct heap_block *b, const struct sampling_estimate *e)
{
	struct heap_totals *t = &s->process->totals;

	t->allocations += e->count;
	t->bytes_allocated += e->bytes;
	t->kind_count[b->kind] += e->count;
	t->kind_bytes[b->kind] += e->bytes;
	if (s->heap->sample_bytes)
		add_allocated_error(t, e);
	add_live(s, e);
	if (s->heap->observer.born)
		s->heap->observer.born(s->heap->observer.data, b, e);
}

static inline void count_allocation(struct step *s, struct heap_block *b)
{
	struct sampling_estimate e;

	estimate(s->heap, b, &e);
	count_born(s, b, &e);
}

#endif
