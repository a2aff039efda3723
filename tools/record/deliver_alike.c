/*
 * deliver_alike - nearly all records: of a common kind, in the epoch of the record before. They are decoded into the
 * batch in one loop, whose state stays in registers. Changes of the stack are applied after that, many at a time. Any other record, and any that might not fit the file, is left to
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
	uint32_t known; /* node of the last event's stack, if that is a known one */
	bool shows_known;
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

/*
 * A change of the stack that is decoded, and not applied yet. What the table of runs (runs.h) knows about it is mostly in no
 * cache, so its memory is asked for while others are decoded and applied.
 */
struct change {
	struct wire_frames pushes;
	uint64_t codes; /* from runs_expect */
	uint64_t time_ns; /* of its record */
	const uint8_t *after; /* the record behind it */
	uint32_t pops, event; /* the first event of this stack, in the batch */
};

#define CHANGES 32u
#define FETCH_AHEAD 4u /* so many changes before one is applied, its place is expected to be there */

struct changes {
	struct change of[CHANGES];
	uint32_t count;
};

/* Not inline, and values instead of pointers: so what decode() needs for every record stays in registers. */
static __attribute__((noinline)) void note_change(const struct runs *runs, struct changes *cs, struct wire_frames pushes, uint32_t pops,
						  uint64_t time_ns, const uint8_t *after, uint32_t event)
{
	cs->of[cs->count++] = (struct change){
		.pushes = pushes,
		.codes = runs_expect(runs, &pushes),
		.time_ns = time_ns,
		.after = after,
		.pops = pops,
		.event = event,
	};
}

/* `node`: of its stack; UINT32_MAX: it is not known yet. */
static inline void put_event(const struct recorder *r, const struct process *p, const struct stream *s, struct run *run,
			     const struct wire_quick *q, uint32_t node)
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
		.node = q->releases ? 0 : node,
		.kind = q->kind,
	};
}

/* Decodes until the batch or the changes are full, or a record comes that is not like these. */
static inline void decode(const struct recorder *r, const struct process *p, const struct stream *s, struct run *run,
			  struct changes *cs)
{
	const uint8_t *const last = s->bytes + s->size - WIRE_RECORD_MAX;
	const struct trk_event *const full = &r->batch[DELIVER_BATCH];
	uint32_t node = s->node;
	struct wire_quick q;

	run->shows_known = false;
	while (run->next < full && run->at <= last && run->credit >= RECORD_BYTES_MAX && cs->count < CHANGES) {
		const uint8_t *const after = wire_quick(run->at, run->time_ns, run->address, &q);

		if (!after || (q.known && !stream_known(s, q.known - 1, &run->known)))
			break;
		run->at = after;
		run->credit -= DELIVER_EVENT_BYTES;
		if (q.known) {
			node = run->known;
			run->shows_known = true;
		} else if (q.has_stack) {
			run->shows_known = false;
			run->credit -= q.pushes.count * DELIVER_FRAME_BYTES;
			note_change(&r->stack_nodes.runs, cs, q.pushes, q.pops, q.time_ns, after, (uint32_t)(run->next - r->batch));
			node = UINT32_MAX;
		}
		put_event(r, p, s, run, &q, node);
	}
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
	p->last_time_ns = r->last_time_ns = run->next[-1].time_ns;
	r->last_process = p->index;
}

/* Takes back everything behind the event of the change. What it took from the credit is lost, and the file is measured sooner. */
static void cut(struct recorder *r, struct run *run, const struct change *c)
{
	run->at = c->after;
	run->next = &r->batch[c->event + 1];
	run->time_ns = c->time_ns;
	run->address = r->batch[c->event].address;
}

static inline void fetch(const struct recorder *r, const struct changes *cs, uint32_t i)
{
	if (i < cs->count && cs->of[i].codes)
		runs_fetch(&r->stack_nodes.runs, &cs->of[i].pushes, cs->of[i].codes);
}

/* Of the events that have this stack: releases have none, and others may have known ones. */
static inline void put_node(struct trk_event *from, const struct trk_event *to, uint32_t node)
{
	for (; from < to; from++)
		from->node = from->node == UINT32_MAX ? node : from->node;
}

#define EXPECTED_LEVELS 256u

/* Does with the paths of levels what the changes will do with the levels, so that the places of all their nodes can be fetched together. */
static void expect_nodes(const struct stack_nodes *in, const struct stream *s, const struct changes *cs)
{
	uint64_t paths[EXPECTED_LEVELS]; /* of the levels above those that stay */
	uint32_t stay = s->depth, count = 0;

	for (uint32_t i = 0; i < cs->count; i++) {
		const struct change *const c = &cs->of[i];
		const uint32_t own = c->pops < count ? c->pops : count, others = c->pops - own;
		uint64_t path;

		count -= own;
		stay -= others < stay ? others : stay;
		if (c->pushes.count > EXPECTED_LEVELS - count)
			return;
		if (count)
			path = paths[count - 1];
		else
			path = stay ? s->levels[stay - 1].path : 0;
		stack_nodes_expect(in, &c->pushes, &s->state.bases, path, paths + count);
		count += c->pushes.count;
	}
}

/*
 * Applies one change after another. False: what is behind the change is not to be taken as it was decoded, and is taken back.
 * Either the stream is broken, or it was found out that the process makes code at run time.
 */
static bool apply(struct recorder *r, struct process *p, struct stream *s, struct run *run, const struct changes *cs)
{
	const uint32_t events = (uint32_t)(run->next - r->batch);

	if (r->stack_nodes.node_bits >= STACK_NODES_BITS_FAR)
		expect_nodes(&r->stack_nodes, s, cs);
	for (uint32_t i = 0; i < FETCH_AHEAD; i++)
		fetch(r, cs, i);
	for (uint32_t i = 0; i < cs->count; i++) {
		const struct change *const c = &cs->of[i];

		fetch(r, cs, i + FETCH_AHEAD);
		s->head.pushes = c->pushes;

		const int err = stack_nodes_change(&r->stack_nodes, &p->modules, s, c->pops, c->codes);

		if (err) {
			run->next = &r->batch[c->event];
			end(r, p, s, run);
			deliver_broken(r, p, s, err);
			return false;
		}
		put_node(r->batch + c->event, r->batch + (i + 1 < cs->count ? c[1].event : events), s->node);
		if (p->jit) {
			cut(r, run, c);
			end(r, p, s, run);
			return false;
		}
	}
	if (run->shows_known) {
		s->node = run->known;
		s->shows_known = true;
	}
	end(r, p, s, run);
	return true;
}

/* Until the batch is full: true. False: a record comes that is not like these. */
static bool fill_batch(struct recorder *r, struct process *p, struct stream *s)
{
	struct run run = begin(r, p, s);
	struct changes changes;

	do {
		changes.count = 0;
		decode(r, p, s, &run, &changes);
	} while (apply(r, p, s, &run, &changes) && changes.count == CHANGES && r->batch_count < DELIVER_BATCH);
	return r->batch_count == DELIVER_BATCH;
}

void deliver_alike(struct recorder *r, struct process *p, struct stream *s)
{
	if (s->deferred_count || s->deferred_pops || s->realloc != STREAM_NO_REALLOC || s->state.epoch < p->last_epoch)
		return;
	while (s->size - s->at >= WIRE_RECORD_MAX && !p->jit && fill_batch(r, p, s))
		deliver_flush(r);
}
