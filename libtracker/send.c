/* send - see send.h. */
#include "send.h"

#include <string.h>

#include "chunk.h"
#include "format/wire_codes.h"
#include "known.h"
#include "python_frames.h"
#include "send_private.h"
#include "thread.h"
#include "unwind.h"

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

bool send_make_room(struct thread *t, size_t bytes)
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

/* Writes the parts that say that epoch or time are others than those of the thread's last event. */
static __attribute__((noinline)) struct draft put_parts(struct thread *t, uint8_t kind, uint64_t epoch, uint64_t now)
{
	struct draft d = { .head = t->at, .at = t->at + 1 };

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

static inline struct draft begin(struct thread *t, uint8_t kind)
{
	uint64_t epoch, now;

	atomic_store_explicit(&t->slot->busy,
			      atomic_load_explicit(&state.process->order, memory_order_relaxed) >> 16,
			      memory_order_relaxed);
	atomic_signal_fence(memory_order_seq_cst);
	epoch = stamp(t);
	now = atomic_load_explicit(&state.shm->header.clock_ns, memory_order_relaxed);
	if (unlikely(epoch != t->last.epoch || now != t->last.time_ns))
		return put_parts(t, kind, epoch, now);
	*t->at = kind;
	return (struct draft){ .head = t->at, .at = t->at + 1 };
}

struct draft send_begin(struct thread *t, uint8_t kind)
{
	return begin(t, kind);
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
		known_clear(t);
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

		if (!send_make_room(t, WIRE_RECORD_MAX))
			goto fail;
		*t->at = WIRE_FRAMES | WIRE_STACK;
		publish(t, put_stack(t->at + 1, c.pops, c.end - c.pushes, n));
		c.pops = 0;
		c.pushes -= n;
	}
	if (!send_make_room(t, operands + c.pushes * WIRE_FRAME_BYTES))
		goto fail;
	*ret = c;
	return true;
fail:
	t->forget_stack = true;
	return false;
}

/* The walked stack that was sent last is known from now on. */
static void define_stack(struct thread *t)
{
	const uint32_t number = t->to_define - 1;
	struct draft d;

	t->to_define = 0;
	if (!send_make_room(t, OPERANDS_MAX)) {
		known_unlearn(t->known, number);
		return;
	}
	d = begin(t, WIRE_RARE);
	*d.at++ = WIRE_KNOWN;
	d.at = put_varint(d.at, number);
	finish(t, &d);
}

/* What has to be said before an event with a stack. False: there is no room, so it is of no use to walk the stack. */
static __attribute__((noinline)) bool tell_before(struct thread *t)
{
	if (t->to_define)
		define_stack(t);
	if (t->lost && !send_make_room(t, OPERANDS_MAX))
		return false;
	if (t->lost)
		tell_gap(t);
	return true;
}

/* The number + 1 of the stack, if it is known. */
static inline uint32_t known_stack(struct thread *t, const struct site *at)
{
	uint32_t known;

	/* next_stack looks at both, too; what Python executes changes while the native stack stays what it is */
	if (unlikely(state.python != NULL || t->code_generation != atomic_load_explicit(&state.code_generation, memory_order_acquire)))
		return 0;
	known = known_find(t, at);
	if (unlikely(state.verify_unwinder) && known) {
		t->deep = false;
		unwind_verify(t, at, 0, known_walk(t, at, known - 1));
	}
	return known;
}

static inline void put_known(struct thread *t, struct draft *d, uint32_t known)
{
	if (t->shown == known)
		return;
	t->shown = known;
	*d->head |= WIRE_STACK;
	d->at = put_varint(d->at, known - 1);
	*d->at++ = WIRE_WIDE;
}

bool send_begin_with_stack(struct thread *t, uint8_t kind, const struct site *at,
			   size_t operands, struct draft *d)
{
	struct change c;
	uint32_t known;

	if (unlikely(t->lost | t->to_define) && !tell_before(t))
		return false;
	known = known_stack(t, at);
	if (known) {
		if (!send_make_room(t, operands))
			return false;
		*d = begin(t, kind);
		put_known(t, d, known);
		return true;
	}
	if (!send_stack(t, at, operands, &c))
		return false;
	*d = begin(t, kind);
	if (c.pops || c.pushes || t->shown) {
		t->shown = 0;
		*d->head |= WIRE_STACK;
		d->at = put_stack(d->at, c.pops, c.end - c.pushes, c.pushes);
	}
	t->to_define = likely(!state.python) ? known_learn(t, at) : 0;
	return true;
}

bool send_begin_plain(struct thread *t, uint8_t kind, struct draft *d)
{
	/* Twice the room, because a gap record may come before it. */
	if (!send_make_room(t, OPERANDS_MAX * 2))
		return false;
	if (unlikely(t->lost))
		tell_gap(t);
	*d = begin(t, kind);
	return true;
}

/* ---- events ---- */

void send_alloc(struct thread *t, uint8_t kind, uintptr_t address, uint64_t size,
		const struct site *at)
{
	struct draft d;

	if (!send_begin_with_stack(t, kind, at, OPERANDS_MAX, &d))
		return;
	put_address(t, &d, address);
	d.at = put_varint(d.at, size);
	finish(t, &d);
}

void send_mapping(struct thread *t, uint8_t kind, uintptr_t address, uint64_t size, uint32_t detail,
		  const struct site *at)
{
	struct draft d;

	t->objects_began = false;
	if (!send_begin_with_stack(t, TRK_MMAP, at, OPERANDS_MAX, &d))
		return;
	/* it will be full of objects, which count by themselves */
	*d.at++ = unlikely(t->objects_began) && kind == TRK_MMAP ? TRK_RESERVE : kind;
	put_address(t, &d, address);
	d.at = put_varint(d.at, size);
	if (trk_kind_among(kind, TRK_KINDS_OF(TRK_FORM_ACCESS) | TRK_KINDS_OF(TRK_FORM_ADVICE)))
		d.at = put_varint(d.at, detail);
	finish(t, &d);
}

void send_free(struct thread *t, uint8_t kind, uintptr_t address)
{
	struct draft d;

	if (!send_begin_plain(t, kind, &d))
		return;
	put_address(t, &d, address);
	finish(t, &d);
}

void send_unmap(struct thread *t, uintptr_t address, uint64_t size)
{
	struct draft d;

	if (!send_begin_plain(t, TRK_MUNMAP, &d))
		return;
	put_address(t, &d, address);
	d.at = put_varint(d.at, size);
	finish(t, &d);
}

bool send_mremap_begin(struct thread *t, uintptr_t old, uint64_t old_size)
{
	struct draft d;

	if (!send_begin_plain(t, WIRE_MREMAP_BEGIN, &d))
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
	if (!send_begin_with_stack(t, TRK_MREMAP, at, OPERANDS_MAX, &d))
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

	if (!send_begin_plain(t, WIRE_REALLOC_BEGIN, &d))
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
	if (send_begin_with_stack(t, WIRE_REALLOC_END, at, OPERANDS_MAX, &d)) {
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
	if (send_begin_plain(t, WIRE_REALLOC_END, &d)) {
		*d.at++ = kind;
		*d.at++ = WIRE_FREED;
		put_address(t, &d, t->last.address);
		d.at = put_varint(d.at, 0);
		finish(t, &d);
	}
	thread_moves(t, 0);
}

bool send_record(struct thread *t, uint8_t kind, const void *operands, uint32_t size, const void *more, uint32_t more_size)
{
	struct draft d;

	/* Twice the room, because a gap record may come before it. */
	if (!send_make_room(t, OPERANDS_MAX * 2 + size + more_size))
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
