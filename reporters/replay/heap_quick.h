/*
 * heap_quick - what nearly all events of a recorder do, and nothing else: a block of domain 0 comes or goes, in a
 * process that lives, of which every block is in the table. It is inline, and a fifth of the instructions of the long
 * way (heap.c), because nothing that an event may also meet is looked at.
 *
 * Each function returns false if the event needs the long way. Then it has changed nothing.
 */
#ifndef REPLAY_HEAP_QUICK_H
#define REPLAY_HEAP_QUICK_H

#include "replay/blocks_quick.h"
#include "replay/heap_counts.h"

/* Those of them with an old block are reallocs, which go the long way. */
#define QUICK_MAKES TRK_KINDS_WITH(TRK_NUMBERED)
#define QUICK_ENDS (TRK_KINDS_DOING(TRK_DOES_END) & TRK_KINDS_TOLD(TRK_TOLD_COMMON))

/* The process of the event, if its events may be quick; else NULL. Only an event that went the long way changes that. */
static inline struct heap_process *quick_process(const struct heap *h, const struct trk_event *e)
{
	struct heap_process *const p = e->process < h->process_room ? h->processes[e->process] : NULL;

	return p && !p->ended && !h->sample_bytes && !p->blocks.briefs.used && p->blocks.settled == p->blocks.newest ? p : NULL;
}

static ALWAYS void quick_peak(struct heap *h, struct heap_process *p, const struct trk_event *e)
{
	if (p->totals.live_bytes >= p->totals.peak_bytes || h->now_bytes >= h->totals.peak_bytes)
		look_for_peak(&(struct step){ .heap = h, .process = p, .event = e });
}

static ALWAYS bool quick_make(struct heap *h, struct heap_process *p, const struct trk_event *e)
{
	struct heap_totals *const t = &p->totals;
	struct block *const b = blocks_quick_add(&p->blocks, e->address);

	if (!b)
		return false;
	h->events++;
	p->events++;
	b->b = (struct heap_block){
		.address = e->address,
		.size = e->size,
		.time_ns = e->time_ns,
		.number = ++p->numbers,
		.process = e->process,
		.thread = e->thread,
		.node = e->node,
		.kind = e->kind,
	};
	b->space = BLOCKS_DOMAIN(0);
	b->thread_number = h->ages.allocations[e->thread]++;
	b->b.serial = (uint16_t)b->thread_number;
	t->allocations++;
	t->bytes_allocated += e->size;
	t->kind_count[e->kind]++;
	t->kind_bytes[e->kind] += e->size;
	t->live_bytes += e->size;
	t->live_blocks++;
	h->now_bytes += e->size;
	h->now_blocks++;
	if (h->observer.born)
		h->observer.born(h->observer.data, &b->b, &(struct sampling_estimate){ .bytes = e->size, .count = 1 });
	quick_peak(h, p, e);
	return true;
}

static ALWAYS void count_temporary(const struct heap *h, struct heap_totals *t, const struct block *b, const struct trk_event *e)
{
	const uint32_t since = h->ages.allocations[e->thread] - b->thread_number - 1;
	const bool temporary = (b->b.thread == e->thread) & !b->b.restored & (since <= h->ages.threshold);

	t->temporary += temporary;
	t->temporary_bytes += temporary ? b->b.size : 0;
	if (h->observer.died)
		h->observer.died(h->observer.data, &b->b, &(struct sampling_estimate){ .bytes = b->b.size, .count = 1 },
				 temporary, e);
}

static ALWAYS bool quick_end(struct heap *h, struct heap_process *p, const struct trk_event *e, uint32_t *ret_ref)
{
	struct heap_totals *const t = &p->totals;
	struct blocks_place place;
	const struct block *const b = blocks_quick_find(&p->blocks, e->address, &place);

	if (!b)
		return false;

	const uint64_t size = b->b.size;

	h->events++;
	p->events++;
	t->frees++;
	t->bytes_freed += size;
	t->live_bytes -= size;
	t->live_blocks--;
	h->now_bytes -= size;
	h->now_blocks--;
	count_temporary(h, t, b, e);
	*ret_ref = b->b.number ? (uint32_t)(p->numbers + 1 - b->b.number) : TRK_REF_NONE;
	blocks_quick_remove(&p->blocks, &place);
	return true;
}

/* *ret_ref: as heap_last_ref. */
static ALWAYS bool apply_quick(struct heap *h, struct heap_process *p, const struct trk_event *e, uint32_t *ret_ref)
{
	if (e->thread >= h->thread_room || e->domain)
		return false;
	*ret_ref = TRK_REF_NONE;
	if (trk_kind_among(e->kind, QUICK_ENDS))
		return quick_end(h, p, e, ret_ref);
	return trk_kind_among(e->kind, QUICK_MAKES) && e->address && !e->old_address && quick_make(h, p, e);
}

#endif
