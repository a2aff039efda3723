/*
 * deliver_alike - nearly all records: of a common kind, in the epoch of the record before. They are decoded into the
 * batch in one loop, whose state stays in registers. Any other record, and any that might not fit the file, is left to
 * the code that handles every case (deliver.c).
 */
#include "deliver.h"

#define RECORD_BYTES_MAX (DELIVER_EVENT_BYTES + WIRE_FRAMES_MAX * DELIVER_FRAME_BYTES)

_Static_assert((TRK_KINDS_TOLD(TRK_TOLD_COMMON) & TRK_KINDS_WITH(TRK_HAS_STACK)) ==
		       (TRK_KINDS_TOLD(TRK_TOLD_COMMON) & ~TRK_KINDS_WITH(TRK_RELEASES)),
	       "a common kind has a size and a stack, or it is a release");

/* What changes from event to event. */
struct run {
	const uint8_t *at; /* the next record */
	struct trk_event *next; /* place of its event in the batch */
	uint64_t time_ns, address; /* of the record before */
	uint64_t least_ns; /* the event is behind the event before it in the order of readers, too */
	int64_t credit; /* as r->bounds.credit */
};

static inline struct run begin(struct recorder *r, const struct process *p, const struct stream *s)
{
	const uint64_t least_ns = deliver_least_time(r, p);

	return (struct run){
		.at = s->bytes + s->at,
		.next = &r->batch[r->batch_count],
		.time_ns = s->state.time_ns,
		.address = s->state.address,
		.least_ns = least_ns,
		.credit = r->bounds.credit,
	};
}

static inline void end(struct recorder *r, struct process *p, struct stream *s, const struct run *run)
{
	const uint32_t count = (uint32_t)(run->next - r->batch);

	s->at = (size_t)(run->at - s->bytes);
	s->state.time_ns = run->time_ns;
	s->state.address = run->address;
	r->bounds.credit = run->credit;
	if (count == r->batch_count)
		return;
	r->counters.events += count - r->batch_count;
	r->batch_count = count;
	p->last_time_ns = r->last_time_ns = run->least_ns;
	r->last_process = p->index;
}

/* Values and no pointers: what is pointed at does not stay in registers. */
static bool take_stack(struct recorder *r, struct process *p, struct stream *s, uint32_t pops, struct wire_frames pushes)
{
	s->head.has_stack = true;
	s->head.pops = pops;
	s->head.pushes = pushes;

	const int err = stack_nodes_apply(&r->stack_nodes, &p->modules, s);

	if (err)
		deliver_broken(r, p, s, err);
	return !err;
}

static inline void put_event(const struct recorder *r, const struct process *p, const struct stream *s, struct run *run,
			     const struct wire_quick *q)
{
	const uint64_t time_ns = q->time_ns < r->now_ns ? q->time_ns : r->now_ns;

	run->time_ns = q->time_ns;
	run->address = q->address;
	run->least_ns = time_ns > run->least_ns ? time_ns : run->least_ns;
	*run->next++ = (struct trk_event){
		.time_ns = run->least_ns,
		.address = q->address,
		.size = q->size,
		.process = p->index,
		.thread = s->thread,
		.node = q->releases ? 0 : s->node,
		.kind = q->kind,
	};
}

/* Until the batch is full: true. False: a record comes that is not like these. */
static bool fill_batch(struct recorder *r, struct process *p, struct stream *s)
{
	const uint8_t *const last = s->bytes + s->size - WIRE_RECORD_MAX;
	const struct trk_event *const full = &r->batch[DELIVER_BATCH];
	struct run run = begin(r, p, s);
	struct wire_quick q;

	while (run.next < full && run.at <= last && run.credit >= RECORD_BYTES_MAX) {
		const uint8_t *const after = wire_quick(run.at, run.time_ns, run.address, &q);

		if (!after)
			break;
		run.at = after;
		run.credit -= DELIVER_EVENT_BYTES;
		if (q.has_stack) {
			run.credit -= q.pushes.count * DELIVER_FRAME_BYTES;
			end(r, p, s, &run);
			if (!take_stack(r, p, s, q.pops, q.pushes))
				return false;
		}
		put_event(r, p, s, &run, &q);
		if (q.has_stack && p->jit)
			break;
	}
	end(r, p, s, &run);
	return run.next == full;
}

void deliver_alike(struct recorder *r, struct process *p, struct stream *s)
{
	if (s->deferred_count || s->deferred_pops || s->realloc != STREAM_NO_REALLOC || s->state.epoch < p->last_epoch)
		return;
	while (s->size - s->at >= WIRE_RECORD_MAX && !p->jit && fill_batch(r, p, s))
		deliver_flush(r);
}
