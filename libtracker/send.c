/* send - see send.h. */
#include "send.h"

#include <string.h>

#include "chunk.h"
#include "format/wire_codes.h"
#include "python_frames.h"
#include "state.h"
#include "thread.h"
#include "unwind.h"

#define OPERANDS_MAX 80u

/* Bytes that every event writes before its operands. */
struct draft {
	uint8_t *head, *at;
};

/*
 * The event's place in the order of the process. Called after the real malloc
 * has returned and before the real free is called: see shm.h on `order`.
 */
static uint64_t stamp(const struct thread *t)
{
	_Atomic uint64_t *const order = &state.process->order;
	uint64_t word = atomic_load_explicit(order, memory_order_acquire);

	while ((word & 0xffff) != t->slot_index) {
		const uint64_t mine = ((word >> 16) + 1) << 16 | t->slot_index;

		if (atomic_compare_exchange_weak_explicit(order, &word, mine, memory_order_acq_rel,
							  memory_order_acquire))
			return mine >> 16;
	}
	return word >> 16;
}

static void publish(struct thread *t, uint8_t *end)
{
	t->at = end;
	atomic_store_explicit(&t->chunk->committed, (uint32_t)(end - t->chunk->payload),
			      memory_order_release);
}

static bool make_room(struct thread *t, size_t bytes)
{
	if (likely((size_t)(t->end - t->at) >= bytes))
		return true;
	if (chunk_next(t))
		return true;
	if (!state.on) /* the recording is over, so nothing is lost */
		return false;
	t->lost++;
	atomic_fetch_add_explicit(&t->slot->lost, 1, memory_order_relaxed);
	return false;
}

/* Writes head, epoch and time. From here to finish() the recorder waits for this thread. */
static struct draft begin(struct thread *t, uint8_t kind)
{
	struct draft d = { .head = t->at, .at = t->at + 1 };

	atomic_store_explicit(&t->slot->busy,
			      atomic_load_explicit(&state.process->order, memory_order_relaxed) >> 16,
			      memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);

	const uint64_t epoch = stamp(t);
	const uint64_t now = atomic_load_explicit(&state.shm->header.clock_ns, memory_order_relaxed);

	*d.head = kind;
	if (epoch != t->last.epoch) {
		*d.head |= WIRE_EPOCH;
		d.at = put_varint(d.at, epoch - t->last.epoch);
		t->last.epoch = epoch;
	}
	if (now != t->last.time_ns) {
		(void)chunk_stop_if_closed();
		*d.head |= WIRE_TIME;
		d.at = put_zigzag(d.at, (int64_t)(now - t->last.time_ns));
		t->last.time_ns = now;
	}
	return d;
}

static void finish(struct thread *t, const struct draft *d)
{
	publish(t, d->at);
	atomic_store_explicit(&t->slot->busy, SHM_IDLE, memory_order_release);
}

static void put_address(struct thread *t, struct draft *d, uintptr_t address)
{
	d->at = put_zigzag(d->at, (int64_t)(address - t->last.address));
	t->last.address = address;
}

static void put_string(struct draft *d, const void *bytes, uint32_t size)
{
	d->at = put_varint(d->at, size);
	if (size) /* of nothing, bytes may be NULL */
		memcpy(d->at, bytes, size);
	d->at += size;
}

/* Events were dropped. The recorder learns how many, at the first place where there is room again. */
static void tell_gap(struct thread *t)
{
	struct draft d = begin(t, WIRE_RARE);

	*d.at++ = TRK_GAP;
	d.at = put_varint(d.at, t->lost);
	t->lost = 0;
	finish(t, &d);
}

/* ---- stacks ---- */

/* Walks the stack, and takes it for the last one. */
static struct change next_stack(struct thread *t, const struct site *at)
{
	const uint32_t generation = atomic_load_explicit(&state.code_generation, memory_order_acquire);
	struct change c;

	if (unlikely(t->code_generation != generation)) {
		/* The same pcs may mean other code now, so nothing of the old stack is kept. */
		t->code_generation = generation;
		t->memo.depth = t->counted_count = 0;
		t->forget_stack = true;
	}
	c = unwind(t, at);
	if (unlikely(state.python != NULL))
		python_stack(t, &c);
	if (likely(!t->forget_stack))
		return c;
	t->forget_stack = false;
	c.pops = UINT32_MAX;
	c.pushes = python_told_depth(t);
	return c;
}

static uint8_t *put_stack(uint8_t *at, uint32_t pops, const uintptr_t *pcs, uint32_t pushes)
{
	uint8_t *const form = put_varint(at, pops), *const codes = form + 1;

	*form = (uint8_t)(pushes << 1);
	if (likely(wire_put_codes(codes, pcs, pushes, state.bases)) || wire_put_codes_of_python(codes, pcs, pushes, state.bases))
		return codes + 4 * pushes;
	*form |= WIRE_WIDE;
	for (uint32_t i = 0; i < pushes; i++)
		put_u64(codes + 8 * i, pcs[i]);
	return codes + 8 * pushes;
}

/*
 * Walks the stack. If it does not fit one record, sends a part of it first; the event's own record gets the rest.
 * False: there is no room, and the recorder's copy of the stack is void.
 */
static bool send_stack(struct thread *t, const struct site *at, size_t operands, struct change *ret)
{
	struct change c = next_stack(t, at);

	while (c.pushes > WIRE_FRAMES_MAX) {
		const uint32_t n = WIRE_FRAMES_MAX;

		if (!make_room(t, WIRE_RECORD_MAX))
			goto fail;
		*t->at = WIRE_FRAMES | WIRE_STACK;
		publish(t, put_stack(t->at + 1, c.pops, c.end - c.pushes, n));
		c.pops = 0;
		c.pushes -= n;
	}
	if (!make_room(t, operands + c.pushes * WIRE_FRAME_BYTES))
		goto fail;
	*ret = c;
	return true;
fail:
	t->forget_stack = true;
	return false;
}

/* Begins an event with a stack, up to its operands. False: it was dropped and counted. */
static bool begin_with_stack(struct thread *t, uint8_t kind, const struct site *at,
			     size_t operands, struct draft *d)
{
	struct change c;

	if (unlikely(t->lost)) {
		/* there is still no room, so it is of no use to walk the stack */
		if (!make_room(t, OPERANDS_MAX))
			return false;
		tell_gap(t);
	}
	if (!send_stack(t, at, operands, &c))
		return false;
	*d = begin(t, kind);
	if (c.pops || c.pushes) {
		*d->head |= WIRE_STACK;
		d->at = put_stack(d->at, c.pops, c.end - c.pushes, c.pushes);
	}
	return true;
}

static bool begin_plain(struct thread *t, uint8_t kind, struct draft *d)
{
	/* Twice the room, because a gap record may come before it. */
	if (!make_room(t, OPERANDS_MAX * 2))
		return false;
	if (unlikely(t->lost))
		tell_gap(t);
	*d = begin(t, kind);
	return true;
}

/* The same for any kind that is told PLAIN or RARE. */
static bool begin_any(struct thread *t, uint8_t kind, const struct site *at, size_t operands, struct draft *d)
{
	const bool rare = trk_kind_among(kind, TRK_KINDS_TOLD(TRK_TOLD_RARE));

	if (!begin_with_stack(t, rare ? (uint8_t)WIRE_RARE : kind, at, operands, d))
		return false;
	if (rare)
		*d->at++ = kind;
	return true;
}

/* ---- events ---- */

void send_alloc(struct thread *t, uint8_t kind, uintptr_t address, uint64_t size,
		const struct site *at)
{
	struct draft d;

	if (!begin_with_stack(t, kind, at, OPERANDS_MAX, &d))
		return;
	put_address(t, &d, address);
	d.at = put_varint(d.at, size);
	finish(t, &d);
}

void send_mapping(struct thread *t, uint8_t kind, uintptr_t address, uint64_t size, uint32_t detail,
		  const struct site *at)
{
	struct draft d;

	if (!begin_with_stack(t, TRK_MMAP, at, OPERANDS_MAX, &d))
		return;
	*d.at++ = kind;
	put_address(t, &d, address);
	d.at = put_varint(d.at, size);
	if (trk_kind_among(kind, TRK_KINDS_OF(TRK_FORM_ACCESS) | TRK_KINDS_OF(TRK_FORM_ADVICE)))
		d.at = put_varint(d.at, detail);
	finish(t, &d);
}

void send_free(struct thread *t, uint8_t kind, uintptr_t address)
{
	struct draft d;

	if (!begin_plain(t, kind, &d))
		return;
	put_address(t, &d, address);
	finish(t, &d);
}

void send_unmap(struct thread *t, uintptr_t address, uint64_t size)
{
	struct draft d;

	if (!begin_plain(t, TRK_MUNMAP, &d))
		return;
	put_address(t, &d, address);
	d.at = put_varint(d.at, size);
	finish(t, &d);
}

bool send_mremap_begin(struct thread *t, uintptr_t old, uint64_t old_size)
{
	struct draft d;

	if (!begin_plain(t, WIRE_MREMAP_BEGIN, &d))
		return false;
	put_address(t, &d, old);
	d.at = put_varint(d.at, old_size);
	finish(t, &d);
	t->begun = WIRE_MREMAP_BEGIN;
	return true;
}

void send_mremap_end(struct thread *t, uintptr_t old, uint64_t old_size, uintptr_t address,
		     uint64_t size, const struct site *at)
{
	struct draft d;

	if (!address && t->begun != WIRE_MREMAP_BEGIN)
		return;
	t->begun = 0;
	if (!begin_with_stack(t, TRK_MREMAP, at, OPERANDS_MAX, &d))
		return;
	put_address(t, &d, old);
	d.at = put_varint(d.at, old_size);
	put_address(t, &d, address);
	d.at = put_varint(d.at, size);
	finish(t, &d);
}

bool send_realloc_begin(struct thread *t, uint8_t kind, uintptr_t old)
{
	struct draft d;

	if (!begin_plain(t, WIRE_REALLOC_BEGIN, &d))
		return false;
	thread_moves(t, old);
	*d.at++ = kind;
	put_address(t, &d, old);
	finish(t, &d);
	t->begun = WIRE_REALLOC_BEGIN;
	return true;
}

void send_realloc_end(struct thread *t, uint8_t kind, uintptr_t address, uint64_t size,
		      const struct site *at)
{
	struct draft d;

	if (unlikely(t->begun != WIRE_REALLOC_BEGIN)) {
		if (address)
			send_alloc(t, kind, address, size, at);
		return;
	}
	t->begun = 0;
	if (begin_with_stack(t, WIRE_REALLOC_END, at, OPERANDS_MAX, &d)) {
		*d.at++ = kind;
		*d.at++ = address ? WIRE_MOVED : WIRE_FAILED;
		put_address(t, &d, address ? address : t->last.address);
		d.at = put_varint(d.at, size);
		finish(t, &d);
	}
	thread_moves(t, 0);
}

void send_realloc_freed(struct thread *t, uint8_t kind)
{
	struct draft d;

	if (t->begun != WIRE_REALLOC_BEGIN)
		return;
	t->begun = 0;
	if (begin_plain(t, WIRE_REALLOC_END, &d)) {
		*d.at++ = kind;
		*d.at++ = WIRE_FREED;
		put_address(t, &d, t->last.address);
		d.at = put_varint(d.at, 0);
		finish(t, &d);
	}
	thread_moves(t, 0);
}

void send_skipped(struct thread *t, uint32_t allocations)
{
	struct draft d;

	if (!begin_plain(t, WIRE_SKIPPED, &d))
		return;
	d.at = put_varint(d.at, allocations);
	finish(t, &d);
}

void send_label(struct thread *t, uint8_t kind, const char *label, const struct site *at)
{
	const uint32_t size = (uint32_t)strnlen(label, 1024);
	struct draft d;

	if (!begin_any(t, kind, at, OPERANDS_MAX + size, &d))
		return;
	put_string(&d, label, size);
	finish(t, &d);
}

void send_bare(struct thread *t, uint8_t kind, const struct site *at)
{
	struct draft d;

	if (!begin_any(t, kind, at, OPERANDS_MAX, &d))
		return;
	d.at = put_varint(d.at, 0);
	finish(t, &d);
}

void send_about(struct thread *t, const struct trk_event *e, const struct site *at)
{
	struct draft d;

	if (!begin_any(t, e->kind, at, OPERANDS_MAX + e->label_bytes, &d))
		return;
	put_address(t, &d, e->address);
	if (e->kind != TRK_RELEASING)
		d.at = put_varint(d.at, e->size);
	if (e->kind == TRK_REQUEST)
		d.at = put_varint(put_varint(d.at, e->detail), e->old_size);
	if (e->kind == TRK_ANNOTATE || e->kind == TRK_CLASS)
		put_string(&d, e->label, e->label_bytes);
	finish(t, &d);
}

bool send_question(struct thread *t, uint32_t entry, const struct site *at)
{
	struct draft d;

	if (at ? !begin_with_stack(t, WIRE_RARE, at, OPERANDS_MAX, &d) : !begin_plain(t, WIRE_RARE, &d))
		return false;
	*d.at++ = WIRE_QUESTION;
	d.at = put_varint(d.at, entry);
	finish(t, &d);
	return true;
}

void send_track(struct thread *t, uint32_t domain, uintptr_t address, uint64_t size, const struct site *at)
{
	struct draft d;

	if (!begin_with_stack(t, TRK_TRACK, at, OPERANDS_MAX, &d))
		return;
	d.at = put_varint(d.at, domain);
	put_address(t, &d, address);
	d.at = put_varint(d.at, size);
	finish(t, &d);
}

void send_untrack(struct thread *t, uint32_t domain, uintptr_t address)
{
	struct draft d;

	if (!begin_plain(t, TRK_UNTRACK, &d))
		return;
	d.at = put_varint(d.at, domain);
	put_address(t, &d, address);
	finish(t, &d);
}

void send_untrack_range(struct thread *t, uint32_t domain, uintptr_t address, uint64_t size)
{
	struct draft d;

	if (!begin_plain(t, WIRE_RARE, &d))
		return;
	*d.at++ = WIRE_UNTRACK_RANGE;
	d.at = put_varint(d.at, domain);
	put_address(t, &d, address);
	d.at = put_varint(d.at, size);
	finish(t, &d);
}

bool send_record(struct thread *t, uint8_t kind, const void *operands, uint32_t size, const void *more, uint32_t more_size)
{
	struct draft d;

	/* Twice the room, because a gap record may come before it. */
	if (!make_room(t, OPERANDS_MAX * 2 + size + more_size))
		return false;
	if (unlikely(t->lost))
		tell_gap(t);
	d = begin(t, WIRE_RARE);
	*d.at++ = kind;
	memcpy(d.at, operands, size);
	if (more_size)
		memcpy(d.at + size, more, more_size);
	d.at += size + more_size;
	finish(t, &d);
	return true;
}

bool send_module(struct thread *t, const struct wire_record *m, const char *directory, uint32_t directory_bytes)
{
	const uint32_t before = directory_bytes ? directory_bytes + 1 : 0;
	struct draft d;

	if (!make_room(t, OPERANDS_MAX + before + m->text_bytes + m->build_id_bytes))
		return false;
	d = begin(t, WIRE_MODULE);
	d.at = put_varint(d.at, m->bias);
	d.at = put_varint(d.at, m->start);
	d.at = put_varint(d.at, m->end);
	d.at = put_varint(d.at, m->module_flags);
	d.at = put_varint(d.at, before + m->text_bytes);
	if (before) {
		memcpy(d.at, directory, directory_bytes);
		d.at[directory_bytes] = '/';
		d.at += before;
	}
	memcpy(d.at, m->text, m->text_bytes);
	d.at += m->text_bytes;
	put_string(&d, m->build_id, m->build_id_bytes);
	finish(t, &d);
	return true;
}
