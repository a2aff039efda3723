/* contexts - see contexts.h. */
#include "contexts.h"

#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "known.h"
#include "python_frames.h"
#include "raw.h"
#include "unwind.h"

#define SLAB_CONTEXTS 4u
#define SLAB_BYTES (1280u << 10) /* a slab holds fewer large contexts: a thread may not have more room than that */
#define SLABS (SHM_THREADS / SLAB_CONTEXTS)

/*
 * Contexts that are equally large. They are never unmapped: a thread looks into its context before it knows whether that still
 * belongs to the recording. Mapped, not in .bss, because a garbage collector would look for its blocks there.
 */
struct contexts {
	size_t frames, checks; /* room of the arrays of a context */
	uint64_t busy_since_ns; /* some have been at work, when nothing was recorded; 0: none have */
	_Atomic(uint8_t *) slabs[SLABS];
	_Atomic uint8_t used[SLABS]; /* a bit per context */
};

static _Atomic(struct contexts *) contexts;

/* Arrays of a context: as long as the deepest stack that is kept, and the mark of its cut. */
static size_t frame_room(void)
{
	return state.nframe + state.nframe_slack + 2u;
}

static size_t check_room(void)
{
	return state.verify_unwinder || state.reference_unwinder ? unwind_reference_room() : 0;
}

/* Known stacks stand behind the arrays, so that they share no page with what every thread touches. */
#define KNOWN_BYTES ((sizeof(struct known) + 63) & ~(size_t)63)

static size_t context_bytes(const struct contexts *c)
{
	const size_t a_frame = (5 + !ARCH_RA_BELOW_CFA) * sizeof(uintptr_t) + sizeof(struct walked) + sizeof(uint32_t) + 1;
	const size_t frames = c->frames * (a_frame + sizeof(struct slot));
	const size_t checks = c->checks * sizeof(uintptr_t) * SHM_ORACLES;

	return ((sizeof(struct thread) + frames + checks + 63) & ~(size_t)63) + KNOWN_BYTES;
}

static unsigned slab_contexts(const struct contexts *c)
{
	const size_t n = SLAB_BYTES / context_bytes(c);

	return n >= SLAB_CONTEXTS ? SLAB_CONTEXTS : n ? (unsigned)n :
							1;
}

static uint8_t *slab_get(struct contexts *c, unsigned i)
{
	const size_t bytes = context_bytes(c) * slab_contexts(c);
	uint8_t *slab = atomic_load_explicit(&c->slabs[i], memory_order_acquire), *expected = NULL;

	if (slab)
		return slab;
	slab = raw_map_private(bytes);
	if (!slab)
		return NULL;
	if (atomic_compare_exchange_strong(&c->slabs[i], &expected, slab))
		return slab;
	raw_release(slab, bytes);
	return expected;
}

static struct thread *context_in(const struct contexts *c, uint8_t *slab, uint32_t index)
{
	return (void *)(slab + context_bytes(c) * (index % SLAB_CONTEXTS));
}

static void clear(struct thread *t, struct contexts *c, uint32_t index, uintptr_t frame)
{
	const size_t room = c->frames;
	struct python_thread *const python = t->python;

	memset(t, 0, sizeof(*t));
	t->python = python_thread_renew(python);
	t->frame = frame;
	t->of = c;
	t->index = index;
	t->known = (struct known *)((uint8_t *)t + context_bytes(c) - KNOWN_BYTES);
	known_clear(t);
	t->sent = (uintptr_t *)(t + 1);
	t->walk = t->sent + room;
	t->found = t->walk + room;
	t->check[0] = t->found + room;
	t->check[1] = t->check[0] + c->checks;
	t->memo.sp = t->check[1] + c->checks;
	t->memo.bp = t->memo.sp + room;
	t->memo.place = t->memo.bp + room;
	t->walked = (struct walked *)(t->memo.place + (ARCH_RA_BELOW_CFA ? 0 : room));
	t->memo.slots = (struct slot *)(t->walked + room);
	t->memo.packed = (uint32_t *)(t->memo.slots + room);
	t->memo.needs_bp = (uint8_t *)(t->memo.packed + room);
}

void contexts_no_memory(void)
{
	atomic_fetch_or(&state.process->notices, SHM_NOTICE_NO_MEMORY);
	atomic_fetch_add(&state.shm->header.attach_failures, 1);
}

struct thread *contexts_claim(uintptr_t frame)
{
	struct contexts *const c = atomic_load(&contexts);
	const uint8_t full = (uint8_t)((1u << slab_contexts(c)) - 1);

	for (unsigned i = 0; i < SLABS; i++) {
		uint8_t word = atomic_load_explicit(&c->used[i], memory_order_relaxed);

		while (word != full) {
			const unsigned bit = (unsigned)__builtin_ctz(~(unsigned)word);
			const uint32_t index = i * SLAB_CONTEXTS + bit;

			word = atomic_fetch_or(&c->used[i], (uint8_t)(1u << bit));
			if (word >> bit & 1)
				continue;

			uint8_t *const slab = slab_get(c, i);

			if (slab) {
				clear(context_in(c, slab, index), c, index, frame);
				return context_in(c, slab, index);
			}
			atomic_fetch_and(&c->used[i], (uint8_t) ~(1u << bit));
			contexts_no_memory();
			return NULL;
		}
	}
	return NULL;
}

void contexts_release(struct thread *t)
{
	struct contexts *const c = t->of;
	const uint32_t i = t->index;

	__atomic_store_n(&t->frame, 0, __ATOMIC_RELEASE);
	atomic_fetch_and(&c->used[i / SLAB_CONTEXTS], (uint8_t) ~(1u << i % SLAB_CONTEXTS));
}

bool contexts_are_idle(void)
{
	struct contexts *const c = atomic_load(&contexts);

	for (unsigned i = 0; c && i < SLABS; i++) {
		const uint8_t used = atomic_load(&c->used[i]);
		uint8_t *const slab = used ? atomic_load(&c->slabs[i]) : NULL;

		for (uint32_t bit = 0; slab && bit < slab_contexts(c); bit++)
			if (used >> bit & 1 && __atomic_load_n(&context_in(c, slab, bit)->frame, __ATOMIC_ACQUIRE))
				return false;
	}
	return true;
}

#define LEFT_NS 2000000000ull

bool contexts_are_left(void)
{
	struct contexts *const c = atomic_load(&contexts);
	struct timespec t = { 0 };
	uint64_t now;

	if (!c || contexts_are_idle()) {
		if (c)
			c->busy_since_ns = 0;
		return true;
	}
	(void)arch_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&t, 0, 0, 0, 0);
	now = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	if (!c->busy_since_ns)
		c->busy_since_ns = now;
	if (now - c->busy_since_ns < LEFT_NS)
		return false;
	contexts_forget();
	return true;
}

/* Pauses for a hook that does not come to its end: its thread may be stopped. */
#define PASS_SPINS (1u << 20)

void contexts_wait(void)
{
	struct contexts *const c = atomic_load(&contexts);

	for (unsigned i = 0; c && i < SLABS; i++) {
		uint8_t *const slab = atomic_load(&c->used[i]) ? atomic_load(&c->slabs[i]) : NULL;

		for (uint32_t bit = 0; slab && bit < slab_contexts(c); bit++) {
			struct thread *const t = context_in(c, slab, bit);
			const uintptr_t at_work = __atomic_load_n(&t->frame, __ATOMIC_ACQUIRE);

			for (uint32_t spin = 0; at_work && spin < PASS_SPINS && __atomic_load_n(&t->frame, __ATOMIC_ACQUIRE) == at_work; spin++)
				arch_pause();
		}
	}
}

void contexts_forget(void)
{
	atomic_store(&contexts, NULL);
}

bool contexts_start(void)
{
	struct contexts *const old = atomic_load(&contexts);
	struct contexts *anew;

	if (old && old->frames >= frame_room() && old->checks >= check_room())
		return true;
	anew = raw_map_private(sizeof(*anew));
	if (!anew)
		return false;
	anew->frames = frame_room();
	anew->checks = check_room();
	if (old) {
		anew->frames = old->frames * 2 > anew->frames ? old->frames * 2 : anew->frames;
		anew->checks = old->checks > anew->checks ? old->checks : anew->checks;
	}
	atomic_store(&contexts, anew);
	return true;
}

bool contexts_renew(struct thread *t, uintptr_t frame)
{
	if (t->of != atomic_load(&contexts))
		return false;
	clear(t, t->of, t->index, frame);
	return true;
}

void contexts_forked(struct thread *const *kept, unsigned count)
{
	struct contexts *const c = atomic_load(&contexts);

	for (uint32_t i = 0; c && i < SLABS; i++) {
		uint8_t *const slab = count && atomic_load(&c->used[i]) ? atomic_load(&c->slabs[i]) : NULL;

		for (uint32_t bit = 0; slab && bit < slab_contexts(c); bit++) {
			struct thread *const t = context_in(c, slab, bit);
			bool keep = false;

			for (unsigned k = 0; k < count; k++)
				keep |= t == kept[k];
			if (!keep)
				t->frame = 0;
		}
		if (!count)
			atomic_store(&c->used[i], 0);
	}
}
