/* pool_events - see pool_events.h. */
#include "pool_events.h"

#include "bounds.h"
#include "deliver.h"
#include "pools.h"

void pool_events_note(struct recorder *r, struct process *p, const struct wire_record *h)
{
	if (h->kind == TRK_TRACK)
		pools_track(r, p, h->domain, h->address);
	else if (h->kind == TRK_UNTRACK)
		pools_untrack(p, h->domain, h->address);
	else if (h->kind == TRK_CLEAR)
		pools_clear(p);
}

struct release {
	struct recorder *r;
	struct process *p;
	const struct stream *s;
};

/* False: the file is full. */
static bool deliver_end_of(void *release, uint64_t address)
{
	const struct release *const c = release;
	const struct wire_record *const h = &c->s->head;

	if (!bounds_take(c->r, DELIVER_EVENT_BYTES))
		return false;
	deliver(c->r, c->p, &(struct trk_event){ .kind = TRK_UNTRACK, .time_ns = h->time_ns, .thread = c->s->thread, .domain = h->domain, .address = address });
	return true;
}

/* One event for each block, so that the capture says what ended when without a kind for ranges. */
void pool_events_release(struct recorder *r, struct process *p, const struct stream *s, const struct heap *heap)
{
	struct release c = { r, p, s };

	pools_take_range(r, p, heap, s->head.domain, s->head.address, s->head.size, deliver_end_of, &c);
}
