/* deliver - see deliver.h. */
#include "deliver.h"
#include "answer.h"
#include "bounds.h"
#include "module_table.h"
#include "jit.h"
#include "pool_events.h"
#include "python_codes.h"

#include <string.h>

/*
 * Events are collected and applied in batches: the memory that the heap will look at is fetched for many events at
 * once. A single event would wait for it.
 */
static void aggregate_batch(struct recorder *r)
{
	for (uint32_t i = 0; i < r->batch_count && !r->heap_stopped; i++)
		if (aggregation_apply(r->aggregate, &r->batch[i]) < 0)
			r->heap_stopped = r->out_of_memory = true;
	r->batch_count = 0;
}

static void find_refs(struct recorder *r)
{
	/* if memory were asked for again with each event, the programs would have to wait */
	if (!r->heap_stopped && heap_apply_unknown(r->heap, r->batch, r->batch_count) < 0)
		r->heap_stopped = r->out_of_memory = true;
	for (uint32_t i = 0; r->heap_stopped && i < r->batch_count; i++)
		r->batch[i].ref = TRK_REF_UNKNOWN;
}

static void write_batch(struct recorder *r)
{
	for (uint32_t i = 0; r->batch_marks && i < r->batch_count; i++)
		if (r->batch[i].kind == TRK_MARK)
			writer_mark(r->writer, &r->batch[i]);
	writer_events(r->writer, r->batch, r->batch_count);
}

/* A round may take longer than programs wait for a recorder that stands still. */
static inline void be_seen(struct recorder *r)
{
	struct shm_header *const h = &r->shm->header;

	if (atomic_load_explicit(&h->chunk_waiters, memory_order_relaxed))
		atomic_fetch_add_explicit(&h->progress, 1, memory_order_relaxed);
}

void deliver_flush(struct recorder *r)
{
	be_seen(r);
	heap_expect(r->heap, r->batch, r->batch_count);
	if (r->traced)
		answer_apply(r);
	if (r->aggregate) {
		aggregate_batch(r);
		return;
	}
	find_refs(r);
	if (!r->waiting)
		write_batch(r);
	r->batch_count = 0;
	r->batch_marks = false;
}

void deliver_end_process(struct recorder *r, struct process *p)
{
	deliver_flush(r);
	if (p->end_ns < r->last_time_ns)
		p->end_ns = r->last_time_ns;
	if (p->end_ns < p->start_ns) /* it came and went in one round */
		p->end_ns = p->start_ns;
	/* for a reader, the process has ended before everything that any process does later */
	r->last_time_ns = r->last_end_ns = p->end_ns;
	r->last_process = NO_INDEX;
	if (r->aggregate)
		r->out_of_memory |= aggregation_end_process(r->aggregate, p->index, p->end_ns) != 0;
	else
		heap_end_process(r->heap, p->index);
}

/* The place where the next event is built. The caller sets all fields, except those that end() sets. */
static inline struct trk_event *begin(struct recorder *r)
{
	return &r->batch[r->batch_count];
}

static inline void end(struct recorder *r, struct process *p, struct trk_event *e)
{
	const uint64_t least_ns = deliver_least_time(r, p);

	if (e->time_ns > r->now_ns)
		e->time_ns = r->now_ns;
	if (e->time_ns < least_ns)
		e->time_ns = least_ns;
	p->last_time_ns = r->last_time_ns = e->time_ns;
	r->last_process = e->process = p->index;
	r->counters.events++;
	r->batch_count++;
	if (r->batch_count == DELIVER_BATCH || e->label_bytes) /* the label is the stream's */
		deliver_flush(r);
}

void deliver(struct recorder *r, struct process *p, const struct trk_event *e)
{
	struct trk_event *const place = begin(r);

	*place = *e;
	r->batch_marks |= e->kind == TRK_MARK;
	end(r, p, place);
}

static void deliver_gap(struct recorder *r, struct process *p, const struct stream *s, uint64_t lost)
{
	r->counters.gaps++;
	deliver(r, p, &(struct trk_event){ .kind = TRK_GAP, .thread = s->thread, .size = lost, .time_ns = r->now_ns });
}

void deliver_broken(struct recorder *r, struct process *p, struct stream *s, int err)
{
	if (err == TRK_ERR_NOMEM)
		r->out_of_memory = true;
	else
		r->counters.corrupt++;
	deliver_gap(r, p, s, 1);
	s->broken = true;
	s->fault = 0;
	s->at = s->size;
}

static void corrupt(struct recorder *r, struct process *p, struct stream *s)
{
	deliver_broken(r, p, s, TRK_ERR_CORRUPT);
}

void deliver_mapping_gone(void *deliver_context, const struct module_range *range)
{
	const struct deliver_context *const c = deliver_context;

	writer_mapping(c->r->writer, &(struct trk_mapping){
					     .process = c->p->index,
					     .module = range->module,
					     .bias = range->bias,
					     .start = range->start,
					     .end = range->end,
					     .load_time_ns = range->load_time_ns,
					     .unload_time_ns = c->unload_time_ns,
				     });
}

/* The heap after all delivered events: it gets events in batches. */
static const struct heap *heap_now(struct recorder *r)
{
	deliver_flush(r);
	return r->heap;
}

/*
 * A small mapping that is not used yet, or the guard of a mapping, is heap like any other memory that was asked for.
 * Address space counts as reserved only if it is larger than a program would fill, or lies inside such a range. A
 * large mapping over reserved pages (a virtual machine's first heap) is heap as far as it is touched.
 */
#define RESERVED_MIN (16u << 20)

static bool may_reserve(struct recorder *r, const struct process *p, const struct wire_record *h)
{
	if (h->size >= RESERVED_MIN)
		return true;
	return heap_in_window(heap_now(r), p->index, h->address, h->size);
}

static uint8_t kind_of(struct recorder *r, const struct process *p, const struct wire_record *h)
{
	if (h->kind == TRK_MMAP && h->size >= RESERVED_MIN)
		return heap_in_window(heap_now(r), p->index, h->address, h->size) ? (uint8_t)TRK_ARENA : h->kind;
	if (h->kind != TRK_RESERVE && h->kind != TRK_ARENA)
		return h->kind;
	return may_reserve(r, p, h) ? h->kind : (uint8_t)TRK_MMAP;
}

/*
 * Most calls of mprotect and madvise are about pages of no known mapping, or change nothing (a compiler that writes
 * its code and runs it). Those are dropped here.
 */
static bool is_dropped(struct recorder *r, const struct process *p, const struct wire_record *h)
{
	if (h->kind != TRK_MPROTECT && h->kind != TRK_MADVISE)
		return false;
	const struct trk_event e = {
		.kind = h->kind,
		.process = p->index,
		.address = h->address,
		.size = h->size,
		.detail = h->detail,
	};

	if (h->kind == TRK_MPROTECT && h->detail == TRK_ACCESS_NONE && !may_reserve(r, p, h))
		return true;
	return !r->heap_stopped && !heap_minds(heap_now(r), &e);
}

/* Kinds that have the same fields on the wire and in the file. */
static void deliver_plain(struct recorder *r, struct process *p, struct stream *s)
{
	const struct wire_record *const h = &s->head;

	if (is_dropped(r, p, h))
		return;
	if (h->kind == TRK_GAP && !recorder_believes(r, h->size)) {
		corrupt(r, p, s);
		return;
	}
	if (h->kind == TRK_GAP) {
		s->gaps += h->size;
		r->counters.gaps++;
	}
	if (__builtin_expect(p->pools != NULL, 0))
		pool_events_note(r, p, h);
	deliver(r, p, &(struct trk_event){
			      .time_ns = h->time_ns,
			      .address = h->address,
			      .size = h->size,
			      .old_address = h->old_address,
			      .old_size = h->old_size,
			      .label = h->text,
			      .label_bytes = h->text ? h->text_bytes : 0,
			      .thread = s->thread,
			      .node = trk_kind_has_stack(h->kind) ? s->node : 0,
			      .domain = h->domain,
			      .detail = h->detail,
			      .kind = kind_of(r, p, h),
		      });
}

/* Nearly all events: only the fields that these kinds have, written directly into their place. */
static inline void deliver_common(struct recorder *r, struct process *p, const struct stream *s, uint8_t kind,
				  uint64_t time_ns, uint64_t address, uint64_t size)
{
	struct trk_event *const e = begin(r);

	*e = (struct trk_event){
		.time_ns = time_ns,
		.address = address,
		.size = size,
		.thread = s->thread,
		.node = trk_kind_has_stack(kind) ? s->node : 0,
		.kind = kind,
	};
	end(r, p, e);
}

static bool take_stack(struct recorder *r, struct process *p, struct stream *s)
{
	if (s->head.epoch < p->last_epoch)
		r->counters.late++;
	else
		p->last_epoch = s->head.epoch;
	const bool again = __builtin_expect(p->jit != NULL, 0) && jit_find_changes(r, p, s);

	if (again)
		stack_nodes_look_up_again(&r->stack_nodes, &p->modules, s);
	if (!again && !s->head.has_stack && !s->deferred_count && !s->deferred_pops)
		return true;
	const int err = stack_nodes_apply(&r->stack_nodes, &p->modules, s);

	if (err)
		deliver_broken(r, p, s, err);
	return !err;
}

static void learn(struct recorder *r, struct process *p, struct stream *s)
{
	const int err = stream_learn(s, s->head.detail);

	if (err)
		deliver_broken(r, p, s, err);
}

void deliver_head(struct recorder *r, struct process *p, struct stream *s)
{
	if (!take_stack(r, p, s))
		return;
	if (wire_is_common(s->head.kind))
		deliver_common(r, p, s, s->head.kind, s->head.time_ns, s->head.address, s->head.size);
	else if (s->head.kind == WIRE_SKIPPED)
		deliver(r, p, &(struct trk_event){
				      .kind = TRK_SKIPPED,
				      .thread = s->thread,
				      .size = s->head.size,
				      .time_ns = s->head.time_ns,
			      });
	else if (s->head.kind == WIRE_KNOWN)
		learn(r, p, s);
	else if (s->head.kind == WIRE_MODULE)
		module_table_add(r, p, s);
	else if (s->head.kind == WIRE_UNTRACK_RANGE)
		pool_events_release(r, p, s, heap_now(r));
	else if (s->head.kind == WIRE_PYTHON || s->head.kind == WIRE_PYTHON_TEXT)
		python_record(r, p, s);
	else if (s->head.kind >= WIRE_QUESTION)
		answer_record(r, p, &s->head, s->node);
	else /* the decoder lets no other value through */
		deliver_plain(r, p, s);
}

void deliver_begin(struct recorder *r, struct process *p, struct stream *s)
{
	if (!take_stack(r, p, s))
		return;
	s->old_address = s->head.old_address;
	s->old_size = s->head.old_size;
	s->begun = s->head.kind;
	s->call = s->begun == WIRE_MREMAP_BEGIN ? (uint8_t)TRK_MREMAP : s->head.realloc_kind;
	s->realloc = STREAM_HELD;
	s->held_rounds = 0;
}

/* The call is known to have changed nothing: its end is there, and says so. */
static bool has_failed(const struct stream *s)
{
	if (!stream_at_end(s))
		return false;
	return s->call == TRK_MREMAP ? !s->head.address : s->head.outcome == WIRE_FAILED;
}

/* A mapping of a file is not recorded before, and is not recorded afterwards. */
static bool is_recorded(struct recorder *r, const struct process *p, const struct stream *s)
{
	if (s->call != TRK_MREMAP)
		return true;
	return heap_is_mapped(heap_now(r), p->index, s->old_address, s->old_size);
}

/* Reserved pages, or an arena's: in two parts they are a munmap, and an mmap that says that they are reserved, too. */
static bool is_apart(const struct stream *s)
{
	return s->call == TRK_MREMAP && s->mapping_kind && s->mapping_kind != TRK_MMAP;
}

static void release_apart(struct recorder *r, struct process *p, const struct stream *s)
{
	deliver(r, p, &(struct trk_event){
			      .kind = TRK_MUNMAP,
			      .thread = s->thread,
			      .address = s->old_address,
			      .size = s->old_size,
			      .time_ns = p->last_time_ns,
		      });
}

/* Where the mapping was if the call failed. */
static void acquire_apart(struct recorder *r, struct process *p, struct stream *s, struct trk_event *e,
			  bool failed)
{
	s->realloc = STREAM_NO_REALLOC;
	e->kind = s->mapping_kind;
	e->address = failed ? s->old_address : e->address;
	e->size = failed ? s->old_size : e->size;
	deliver(r, p, e);
}

/* A call that releases nothing stays one event, at its end. */
void deliver_release(struct recorder *r, struct process *p, struct stream *s)
{
	s->realloc = STREAM_WHOLE;
	if (has_failed(s) || !is_recorded(r, p, s))
		return;
	s->realloc = STREAM_SPLIT;
	s->mapping_kind = s->call == TRK_MREMAP ? heap_mapping_kind(r->heap, p->index, s->old_address) : 0;
	if (is_apart(s)) {
		release_apart(r, p, s);
		return;
	}
	deliver(r, p, &(struct trk_event){
			      .kind = TRK_REALLOC_RELEASE,
			      .call = s->call,
			      .thread = s->thread,
			      .old_address = s->old_address,
			      .old_size = s->old_size,
			      .time_ns = p->last_time_ns,
		      });
}

/* If a mapping of a file could not be moved, there is nothing to record. */
static bool is_nothing(struct recorder *r, const struct process *p, const struct stream *s,
		       const struct trk_event *e)
{
	return e->kind == TRK_MREMAP && !e->address && !is_recorded(r, p, s);
}

/* The end of the call that s began. `e` has everything about it but its kind. */
static void deliver_whole(struct recorder *r, struct process *p, struct stream *s, struct trk_event *e,
			  bool failed)
{
	const bool split = s->realloc == STREAM_SPLIT;

	if (split && is_apart(s)) {
		acquire_apart(r, p, s, e, failed);
		return;
	}
	s->realloc = STREAM_NO_REALLOC;
	e->kind = !split ? s->call : failed ? TRK_REALLOC_WITHDRAW :
					      TRK_REALLOC_ACQUIRE;
	e->call = split ? s->call : 0;
	e->old_address = s->old_address;
	e->old_size = s->old_size;
	if (!is_nothing(r, p, s, e))
		deliver(r, p, e);
}

/* The begin may have been lost. Then the end itself says what it moved. */
static void deliver_mremap(struct recorder *r, struct process *p, struct stream *s)
{
	struct trk_event e = {
		.time_ns = s->head.time_ns,
		.thread = s->thread,
		.address = s->head.address,
		.size = s->head.size,
		.node = s->node,
	};

	if (s->realloc == STREAM_NO_REALLOC || s->begun != WIRE_MREMAP_BEGIN) {
		s->call = TRK_MREMAP;
		s->old_address = s->head.old_address;
		s->old_size = s->head.old_size;
		s->realloc = STREAM_WHOLE;
	}
	deliver_whole(r, p, s, &e, !e.address);
}

static bool makes_sense(const struct stream *s)
{
	return s->realloc != STREAM_NO_REALLOC && s->begun == WIRE_REALLOC_BEGIN &&
	       s->head.realloc_kind == s->call;
}

void deliver_end(struct recorder *r, struct process *p, struct stream *s)
{
	const struct wire_record *const h = &s->head;
	const bool failed = h->outcome == WIRE_FAILED, freed = h->outcome == WIRE_FREED;
	struct trk_event e = { .time_ns = h->time_ns, .thread = s->thread, .size = h->size, .address = failed || freed ? 0 : h->address };

	if (!take_stack(r, p, s))
		return;
	if (h->kind == TRK_MREMAP) {
		deliver_mremap(r, p, s);
		return;
	}
	if (!makes_sense(s)) {
		corrupt(r, p, s);
		return;
	}
	if (!freed) {
		e.node = s->node;
	} else if (s->realloc != STREAM_SPLIT) { /* it moved into a block that is not recorded */
		e.kind = TRK_FREE;
		e.address = s->old_address;
		s->realloc = STREAM_NO_REALLOC;
		deliver(r, p, &e);
		return;
	}
	deliver_whole(r, p, s, &e, failed);
}
