/*
 * thread - contexts: one stream of events per thread and level.
 *
 * Contexts of ended threads are reused, and a thread keeps its own from one recording to the next. Nothing here takes a lock. A key destructor sees a thread's end. It re-arms itself until the last round, so that the same
 * context still records what other destructors allocate and free.
 */
#ifndef THREAD_H
#define THREAD_H

#include <pthread.h>

#include "dormant.h"
#include "state.h"
#include "session.h"
#include "unwind.h"

/* A stream for the thread that begins the recording, before others may. NULL: there is no room. */
struct thread *thread_claim(uint32_t level, uintptr_t frame);
/* For thread_enter: the thread has no stream of this recording yet, or is that of a forked child, or its end would not be told yet. */
struct thread *thread_begin(uint32_t level, uintptr_t frame, bool heap);
/* pthread_setspecific. The C library may allocate, which is not the program's: `frame` is that of the caller, which the program called. */
void thread_set_key(pthread_key_t key, const void *value, uintptr_t frame);
/* The level for a hook at `frame` when tls.level is not 0; THREAD_LEVELS: none is left, the event was counted. */
uint32_t thread_nested_level(uintptr_t frame);
/* This thread is in no hook: those that it had begun were left for good. */
void thread_forget_hooks(void);
void thread_prepare(void); /* once */
bool thread_start(void); /* for each recording; false: no memory */
/* Must not be called in a hook: it takes a lock that the hook's caller may hold. */
void thread_watch_forks(void);
void thread_forked(void);
void thread_set_name(const char *name);
/* The calling thread's id, without a system call, as its own PID namespace has it. 0: that cannot be known. */
uint32_t thread_id_unasked(void);

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
 * no room (then the event was counted). heap: the program has called the heap, so the C library could allocate here, too.
 */
static inline struct thread *thread_enter_as(uintptr_t frame, bool heap)
{
	if (nested_in_real(frame) || (unlikely(!state.on) && (likely(!*dormant_wanted) || !dormant_wake(frame))))
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
	tls.level = (uint16_t)(level + 1);
	atomic_signal_fence(memory_order_seq_cst);
	/* after the level: if a handler forks from now on, it finds this hook at work; and so does who ends the recording */
	if (unlikely(!t || t->settled != *state.fork_page))
		return thread_begin(level, frame, heap);
	return t;
}

static inline struct thread *thread_enter(uintptr_t frame)
{
	return thread_enter_as(frame, false);
}

/* In a hook of the heap's functions. */
static inline struct thread *thread_enter_heap(uintptr_t frame)
{
	return thread_enter_as(frame, true);
}

static inline void thread_leave(struct thread *t)
{
	atomic_signal_fence(memory_order_seq_cst);
	tls.level = (uint16_t)t->level;
	atomic_signal_fence(memory_order_seq_cst);
	__atomic_store_n(&t->frame, 0, __ATOMIC_RELEASE); /* after the level: a handler that comes between the two begins anew */
}

/* A look at the memory must not be taken while a block moves: what it holds might then be in no block that anybody knows. */
static inline void thread_moves(const struct thread *t, uintptr_t old)
{
	if (unlikely(state.looks))
		atomic_store_explicit(&t->slot->moving, old, memory_order_release);
}

#endif
