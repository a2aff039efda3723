/*
 * hook - what all hooks share.
 *
 * A hook that records must keep a frame of its own (SITE_HERE reads it) and must not become
 * a tail call: the real function's return address would be the program's.
 */
#ifndef HOOK_H
#define HOOK_H

#include <malloc.h>
#include <stdlib.h>

#include "real_functions.h"
#include "sample.h"
#include "start.h"
#include "state.h"
#include "send.h"
#include "thread.h"
#include "watchers.h"

/* hooks_new.c: once, at start; and after dlclose. */
void operators_start(void);
void operators_unloaded(void);

/* The real functions can be called from now on. */
static inline void hook_start(void)
{
	if (unlikely(!real_known))
		start_once();
}

/* ... and what is called is to be recorded. */
static inline bool hook_start_and_ask(void)
{
	return likely(!start_is_held()) || start_and_ask();
}

/* The same for what allocates by one of malloc's names: see start_by_allocation. */
static inline bool hook_start_by_allocation(void)
{
	return likely(!start_is_held()) || start_by_allocation();
}

/*
 * Around the real function, when it may come back to us for its own needs (an
 * allocator that maps memory, operator new that calls malloc): what it calls
 * from below this frame is not the program's. libc's malloc never does.
 */
static inline uintptr_t hook_mark_real(uintptr_t frame)
{
	const uintptr_t outer = tls.real_frame;

	if (!outer || frame > outer)
		tls.real_frame = frame;
	return outer;
}

static inline uintptr_t hook_enter_real(uintptr_t frame)
{
	return unlikely(state.foreign_allocator) ? hook_mark_real(frame) : tls.real_frame;
}

static inline void hook_leave_real(uintptr_t outer)
{
	tls.real_frame = outer;
}

/* Records an allocation that succeeded; p NULL: it did not. */
static inline void hook_alloc(uint8_t kind, void *p, size_t size, const struct site *at)
{
	struct thread *t;

	if (!p || sample_skip(size, at->sp) || !(t = thread_enter(at->sp)))
		return;
	if (unlikely(state.sample_bytes)) {
		sample_tell(t);
		sample_add((uintptr_t)p);
	}
	send_alloc(t, kind, (uintptr_t)p, size, at);
	thread_leave(t);
}

/* Records a release that is to happen; not of a mapping. */
static inline void hook_release(uint8_t kind, void *p, uintptr_t frame)
{
	struct thread *t;

	if (!sample_forget((uintptr_t)p, frame) || !(t = thread_enter(frame)))
		return;
	if (unlikely(state.sample_bytes))
		sample_tell(t);
	send_free(t, kind, (uintptr_t)p);
	thread_leave(t);
}

/* One realloc, or what is called so, by the real function. hooks_malloc.c */
typedef void *(*realloc_function)(void *, size_t);
void *hook_realloc(realloc_function function, uint8_t kind, void *p, size_t size, const struct site *at);

/* The same as HOOK_ALLOC and hook_realloc while somebody watches. hooks_malloc.c */
bool hook_watched_begin(struct watch_call *c);
void *hook_watched_end(const struct watch_call *c, void *p);
void *hook_realloc_watched(realloc_function function, uint8_t kind, void *p, size_t size, const struct site *at);

#define HOOK_CALL_(call)                                  \
	const uintptr_t outer_ = hook_enter_real(at_.sp); \
	void *const p_ = (call);                          \
                                                          \
	hook_leave_real(outer_)

#define HOOK_WATCHED_(kind_, size_, call)                                                \
	do {                                                                             \
		struct watch_call c_ = { .at = &at_, .kind = (kind_), .size = (size_) }; \
                                                                                         \
		if (!hook_watched_begin(&c_))                                            \
			return NULL;                                                     \
                                                                                         \
		HOOK_CALL_(call);                                                        \
		return hook_watched_end(&c_, p_);                                        \
	} while (0)

#define HOOK_RECORD(kind, size, call)                \
	do {                                         \
		const struct site at_ = SITE_HERE(); \
                                                     \
		HOOK_CALL_(call);                    \
		hook_alloc(kind, p_, size, &at_);    \
		return p_;                           \
	} while (0)

/* After hook_start_by_allocation the compiler knows whether somebody watches. */
#define HOOK_ALLOC(kind, size, call)                     \
	do {                                             \
		const struct site at_ = SITE_HERE();     \
                                                         \
		if (unlikely(start_is_held()))           \
			HOOK_WATCHED_(kind, size, call); \
                                                         \
		HOOK_CALL_(call);                        \
		hook_alloc(kind, p_, size, &at_);        \
		return p_;                               \
	} while (0)

/*
 * The most common hooks are functions in three: one that records, one that asks first, and the one that is called, which needs no
 * frame and jumps to either, or to the real function. So the frames of the first two are as if the program had called them, and a
 * program in which nothing is recorded pays for the jump.
 */
#define HOOK_IN_THREE(name, kind, size_, call, params, arguments)                \
	static __attribute__((noinline)) void *record_##name params              \
	{                                                                        \
		HOOK_RECORD(kind, size_, call);                                  \
	}                                                                        \
                                                                                 \
	static __attribute__((noinline, cold)) void *ask_##name params           \
	{                                                                        \
		HOOK_ALLOC(kind, size_, call);                                   \
	}                                                                        \
                                                                                 \
	EXPORT void *name params                                                 \
	{                                                                        \
		if (likely(!start_held))                                         \
			return record_##name arguments;                          \
		if (likely(start_held == START_RESTS) || !start_by_allocation()) \
			return call;                                             \
		return ask_##name arguments;                                     \
	}

/* Nothing is released, or it is not to be recorded. */
#define RELEASE_OR_PASS(passed_on)               \
	do {                                     \
		if (!p)                          \
			return;                  \
		if (unlikely(start_is_held())) { \
			if (!start_and_ask()) {  \
				passed_on;       \
				return;          \
			}                        \
			watch_release(p);        \
		}                                \
	} while (0)

#endif
