/*
 * thread - contexts: one stream of events per thread and level.
 *
 * Memory comes in slabs that are mapped on demand and never given back: contexts of ended threads are reused. Nothing
 * here takes a lock. A key destructor sees a thread's end. It re-arms itself until the last round, so that the same
 * context still records what other destructors allocate and free.
 */
#ifndef THREAD_H
#define THREAD_H

#include "state.h"
#include "session.h"
#include "unwind.h"

struct thread *thread_claim(uint32_t level, uintptr_t frame);
/* The level for a hook at `frame` when tls.level is not 0; THREAD_LEVELS: none is left, the event was counted. */
uint32_t thread_nested_level(uintptr_t frame);
bool thread_start(void); /* false: no memory */
/* Must not be called in a hook: it takes a lock that the hook's caller may hold. */
void thread_watch_forks(void);
void thread_forked(void);
/* For thread_enter, when it finds that the process is a forked child. */
struct thread *thread_enter_forked(uint32_t level, uintptr_t frame);
void thread_set_name(const char *name);

static inline bool nested_in_real(uintptr_t frame)
{
	/*
	 * An exception or longjmp out of the real function leaves a stale mark behind. Such a mark is above the
	 * present frame.
	 */
	return unlikely(tls.real_frame != 0) && frame < tls.real_frame;
}

/*
 * The stream to write an event to. NULL: nothing is recorded, the caller is another hook's real function, or there is
 * no room (then the event was counted).
 */
static inline struct thread *thread_enter(uintptr_t frame)
{
	if (unlikely(!state.on) || nested_in_real(frame))
		return NULL;

	uint32_t level = tls.level;

	if (unlikely(level)) {
		if (!*state.fork_page && !session_enter_child())
			return NULL;
		level = thread_nested_level(frame);
		if (level >= THREAD_LEVELS)
			return NULL;
	}

	struct thread *t = tls.threads[level];

	*(likely(t != NULL) ? &t->frame : &tls.claiming) = frame; /* before the level: a handler must find it */
	atomic_signal_fence(memory_order_seq_cst);
	tls.level = level + 1;
	atomic_signal_fence(memory_order_seq_cst);
	/* after the level: if a handler forks from now on, it finds this hook at work */
	if (unlikely(!*state.fork_page))
		return thread_enter_forked(level, frame);
	if (unlikely(!t)) {
		t = thread_claim(level, frame);
		if (!t)
			tls.level = level;
		else if (state.announce_modules)
			unwind_forked(t);
	}
	return t;
}

static inline void thread_leave(struct thread *t)
{
	atomic_signal_fence(memory_order_seq_cst);
	tls.level = t->level;
}

/* A look at the memory must not be taken while a block moves: what it holds might then be in no block that anybody knows. */
static inline void thread_moves(const struct thread *t, uintptr_t old)
{
	if (unlikely(state.looks))
		atomic_store_explicit(&t->slot->moving, old, memory_order_release);
}

#endif
