/*
 * heap_quick - what nearly all events do, and nothing else: a block of domain 0 comes or goes, in a process that lives.
 * In a recorder every block of the process is in the table. In a capture the event says which block it ends, and that one is
 * still loose. It is inline, and much less than the long way (heap.c), because nothing that an event may also meet is
 * looked at.
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

/* `b` is the event's block, in its space. */
static ALWAYS void quick_born(struct heap *h, struct heap_process *p, const struct trk_event *e, struct block *b)
{
	struct heap_totals *const t = &p->totals;

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
}

static ALWAYS bool quick_make(struct heap *h, struct heap_process *p, const struct trk_event *e)
{
	struct block *const b = blocks_quick_add(&p->blocks, e->address);

	if (!b)
		return false;
	b->space = BLOCKS_DOMAIN(0);
	quick_born(h, p, e, b);
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

static ALWAYS void quick_died(struct heap *h, struct heap_process *p, const struct trk_event *e, const struct block *b)
{
	struct heap_totals *const t = &p->totals;
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
}

static ALWAYS bool quick_end(struct heap *h, struct heap_process *p, const struct trk_event *e, uint32_t *ret_ref)
{
	struct blocks_place place;
	const struct block *const b = blocks_quick_find(&p->blocks, e->address, &place);

	if (!b)
		return false;
	quick_died(h, p, e, b);
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

/* ---- events of a capture ---- */

static inline struct heap_process *known_process(const struct heap *h, const struct trk_event *e)
{
	struct heap_process *const p = e->process < h->process_room ? h->processes[e->process] : NULL;

	return p && !p->ended && !h->sample_bytes ? p : NULL;
}

static ALWAYS bool known_make(struct heap *h, struct heap_process *p, const struct trk_event *e)
{
	struct block *const b = e->ref == TRK_REF_NONE ? blocks_add_loose(&p->blocks, e->address, p->numbers + 1) : NULL;

	if (!b)
		return false;
	quick_born(h, p, e, b);
	return true;
}

static ALWAYS bool known_end(struct heap *h, struct heap_process *p, const struct trk_event *e)
{
	/* TRK_REF_UNKNOWN and TRK_REF_NONE give numbers that are not in the ring */
	struct block *const b = e->ref <= p->numbers ? blocks_recent(&p->blocks, p->numbers + 1 - e->ref) : NULL;

	if (!b || b->b.address != e->address || b->space != BLOCKS_LOOSE)
		return false;
	quick_died(h, p, e, b);
	blocks_remove_loose(&p->blocks, b);
	return true;
}

/* As apply_quick, for an event with a ref. */
static ALWAYS bool apply_known(struct heap *h, struct heap_process *p, const struct trk_event *e, uint32_t *ret_ref)
{
	const bool ends = trk_kind_among(e->kind, QUICK_ENDS);

	if (e->thread >= h->thread_room || e->domain)
		return false;
	if (!ends && !(trk_kind_among(e->kind, QUICK_MAKES) && e->address && !e->old_address))
		return false;
	if (ends ? !known_end(h, p, e) : !known_make(h, p, e))
		return false;
	*ret_ref = ends ? e->ref : TRK_REF_NONE;
	return true;
}

#endif
