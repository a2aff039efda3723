/* heap_ends - the end of all blocks of a process, because it executes another program or has ended. */
#include "replay/heap_private.h"

static void tell_died(const struct step *s, const struct heap_block *b, const struct sampling_estimate *e)
{
	const struct heap_observer *const o = &s->heap->observer;

	if (o->died)
		o->died(o->data, b, e, false, s->event);
}

static void wipe_briefs(struct step *s)
{
	const struct briefs *const briefs = &s->process->blocks.briefs;
	struct heap_block b = s->heap->brief.b;

	b.process = s->event->process;
	for (uint64_t i = 0; i < briefs_places(briefs); i++) {
		struct sampling_estimate e;

		b.address = briefs->table[i].address;
		b.size = briefs->table[i].size;
		b.user = briefs->table[i].user;
		estimate(s->heap, &b, &e);
		if (b.address)
			tell_died(s, &b, &e);
	}
}

void heap_wipe(struct step *s)
{
	struct heap_process *p = s->process;
	struct heap_totals *t = &p->totals;

	for (uint32_t i = 0; i < p->blocks.slot_count; i++) {
		const struct heap_block *b = &blocks_slot(&p->blocks, i)->b;
		struct sampling_estimate e;

		estimate(s->heap, b, &e);
		if (b->kind)
			tell_died(s, b, &e);
	}
	wipe_briefs(s);
	blocks_finish(&p->blocks); /* numbers go on */
	heap_wipe_mappings(s);
	t->wiped_blocks += t->live_blocks;
	t->wiped_bytes += t->live_bytes;
	heap_take_live(s, &(struct sampling_estimate){ t->live_bytes, t->live_blocks, t->live_error.bytes,
						       t->live_error.count });
}

void heap_end_process(struct heap *h, uint32_t process)
{
	struct heap_process *p = process < h->process_room ? h->processes[process] : NULL;

	if (!p || p->ended)
		return;
	p->ended = true;
	h->now_bytes -= p->totals.live_bytes;
	h->now_blocks -= p->totals.live_blocks;
	h->now_reserved_bytes -= p->totals.reserved_bytes;
	h->now_reserved_mappings -= p->totals.reserved_mappings;
	h->now_error.bytes -= p->totals.live_error.bytes;
	h->now_error.count -= p->totals.live_error.count;
}
