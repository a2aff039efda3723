/* merge - see merge.h. */
#include "merge.h"
#include "bounds.h"
#include "deliver.h"
#include "thread_slot.h"

#define HELD_ROUNDS 3u

/* If the records of a thread cannot be read any more, its events end with a gap. */
static bool advance(struct recorder *r, struct process *p, struct stream *s)
{
	if (stream_advance(s))
		return true;
	if (s->fault)
		deliver_broken(r, p, s, s->fault);
	return false;
}

/*
 * s began a realloc: decides its form. `run`: up to this epoch no other thread's event comes. False: wait for the
 * end, because no event may overtake it.
 */
static bool settle(struct recorder *r, struct process *p, struct stream *s, uint64_t run,
		   bool final)
{
	const bool whole = stream_at_end(s) && s->head.epoch <= run;

	if (whole && (final || s->head.epoch <= p->limit)) {
		deliver_end(r, p, s);
		advance(r, p, s);
		return true;
	}
	if (!final && !s->broken && (whole || !s->has_head) &&
	    (s->more || r->again || s->held_rounds++ < HELD_ROUNDS))
		return false;
	deliver_release(r, p, s);
	return true;
}

/* The held stream comes first: its begin is older than every head. False: it still waits. */
static bool settle_held(struct recorder *r, struct process *p, bool final)
{
	struct stream *const s = p->held, *const other = order_first(&p->order);
	uint64_t run = UINT64_MAX;

	if (!s)
		return true;
	if (other)
		run = other->serial > s->serial ? other->head.epoch : other->head.epoch - 1;
	if (!s->has_head)
		advance(r, p, s);
	if (!settle(r, p, s, run, final))
		return false;
	p->held = NULL;
	if (s->has_head && order_add(&p->order, s) < 0)
		r->out_of_memory = true;
	return true;
}

/* The most bytes that the head may add to the file. */
static uint32_t cost(const struct stream *s)
{
	const uint32_t frames = s->deferred_count + (s->head.has_stack ? s->head.pushes.count : 0);

	return DELIVER_EVENT_BYTES + frames * DELIVER_FRAME_BYTES + (s->head.text ? s->head.text_bytes : 0);
}

/*
 * A round may take long, and a thread that asks spins meanwhile. The program writes to the line of the cache that says whether it asks, so
 * it is looked at seldom.
 */
#define ANSWER_EVERY 8u /* batches at most */

/* Consumes the first stream up to `until`. False: the process must wait for it, or the file is full. */
static bool consume(struct recorder *r, struct process *p, struct stream *s, uint64_t until,
		    bool final)
{
	while (s->has_head && s->head.epoch <= until) {
		const uint8_t kind = s->head.kind;

		if (!bounds_take(r, cost(s)))
			return false;
		if (kind == WIRE_REALLOC_BEGIN || kind == WIRE_MREMAP_BEGIN)
			deliver_begin(r, p, s);
		else if (kind == WIRE_REALLOC_END || kind == TRK_MREMAP)
			deliver_end(r, p, s);
		else
			deliver_head(r, p, s);
		deliver_alike(r, p, s);
		if (++s->until_answer % ANSWER_EVERY == 0 && s->slot != NO_SLOT)
			thread_slot_answer(r, s);
		advance(r, p, s);
		if (s->realloc != STREAM_HELD)
			continue;
		if (!settle(r, p, s, order_run(&p->order, UINT64_MAX), final)) {
			p->held = s;
			return false;
		}
	}
	/* records of it in shared memory may come before the others' heads */
	return s->has_head || !s->more;
}

/* False: a stream whose next event is not known yet may come first. */
static bool gather(struct recorder *r, struct process *p)
{
	p->order.count = 0;
	for (size_t i = 0; i < p->stream_count; i++) {
		struct stream *const s = p->streams[i];

		if (s == p->held)
			continue;
		if (!s->has_head && !advance(r, p, s)) {
			if (s->more && !s->broken)
				return false;
			continue;
		}
		if (order_add(&p->order, s) < 0)
			r->out_of_memory = true;
	}
	return true;
}

void merge_process(struct recorder *r, struct process *p, bool final)
{
	const uint64_t known = p->limit < p->stop ? p->limit : p->stop;
	const uint64_t limit = final ? UINT64_MAX : known < p->look_cut ? known :
									  p->look_cut;
	struct stream *s;

	if (!gather(r, p) || !settle_held(r, p, final))
		return;
	while ((s = order_first(&p->order)) && s->head.epoch <= limit) {
		if (!consume(r, p, s, order_run(&p->order, limit), final))
			return;
		order_fix(&p->order);
	}
}
