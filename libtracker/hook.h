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

#include "free_check.h"
#include "python_frames.h"
#include "real_functions.h"
#include "sample.h"
#include "start.h"
#include "state.h"
#include "send.h"
#include "thread.h"
#include "watchers.h"

/* hooks_new.c: called once at start, and after each dlclose. */
void operators_start(void);
void operators_unloaded(void);

/* From now on the real functions can be called. */
static inline void hook_start(void)
{
	if (unlikely(!real_known))
		start_once();
}

/* ... and the call is to be recorded. */
static inline bool hook_start_and_ask(void)
{
	return likely(!start_is_held()) || start_and_ask();
}

/* The same for functions that allocate by a name of the malloc family: see start_by_allocation. */
static inline bool hook_start_by_allocation(void)
{
	return likely(!start_is_held()) || start_by_allocation();
}

/*
 * Stands around a real function that may call hooks for its own needs (an allocator that maps memory, an operator new
 * that calls malloc). Calls from below this frame are not the program's. libc's malloc makes none.
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

/*
 * The allocator is about to look at what it keeps in front of a block, and the program at a block that it gets. Both often miss the caches. Without hooks a
 * processor executes far enough ahead to wait for several of these at once; the work of a hook between two is too much for that. So they are
 * fetched while the hook works. Nothing happens at an address where nothing is mapped.
 */
static inline void hook_fetch(const void *p)
{
	__builtin_prefetch(p, 1);
}

#define HOOK_BLOCK_HEAD (2 * sizeof(size_t))

/* Records an allocation that succeeded. p NULL: it failed. */
static inline void hook_alloc(uint8_t kind, void *p, size_t size, const struct site *at)
{
	struct thread *t;

	hook_fetch(p);
	if (!p || sample_skip(size, at->sp) || !(t = thread_enter_heap(at->sp)))
		return;
	if (unlikely(state.sample_bytes)) {
		sample_tell(t);
		sample_add((uintptr_t)p);
	}
	send_alloc(t, kind, (uintptr_t)p, size, at);
	thread_leave(t);
}

/* Records a release that is about to happen; not that of a mapping. */
static inline void hook_release(uint8_t kind, void *p, uintptr_t frame)
{
	struct thread *t;

	hook_fetch((const uint8_t *)p - HOOK_BLOCK_HEAD);
	if (unlikely(state.python != NULL))
		python_release((uintptr_t)p, frame);
	if (!sample_forget((uintptr_t)p, frame) || !(t = thread_enter_heap(frame)))
		return;
	if (unlikely(state.sample_bytes))
		sample_tell(t);
	send_free(t, kind, (uintptr_t)p);
	thread_leave(t);
}

/* A call that failed (p NULL), or whose arguments are unusual. align: 0 if it has none. hooks_malloc.c */
void hook_request(uint8_t call, const void *p, size_t size, size_t align, const struct site *at);

/* How many bytes are asked for; SIZE_MAX: more than there are numbers for. */
static inline size_t hook_product(size_t n, size_t size)
{
	size_t product;

	return __builtin_mul_overflow(n, size, &product) ? SIZE_MAX : product;
}

/* One realloc, or a function of its kind, by the real function. hooks_malloc.c */
typedef void *(*realloc_function)(void *, size_t);
void *hook_realloc(realloc_function function, uint8_t kind, void *p, size_t size, const struct site *at);

/* The same as HOOK_ALLOC and hook_realloc while something is watched. hooks_malloc.c */
bool hook_watched_begin(struct watch_call *c);
void *hook_watched_end(const struct watch_call *c, void *p);
void *hook_realloc_watched(realloc_function function, uint8_t kind, void *p, size_t size, const struct site *at);

#define HOOK_CALL_(call)                                  \
	const uintptr_t outer_ = hook_enter_real(at_.sp); \
	void *const p_ = (call);                          \
                                                          \
	hook_leave_real(outer_)

#define HOOK_WATCHED_(kind_, size_, asked, align, call)                                  \
	do {                                                                             \
		struct watch_call c_ = { .at = &at_, .kind = (kind_), .size = (size_) }; \
                                                                                         \
		if (!hook_watched_begin(&c_))                                            \
			return NULL;                                                     \
                                                                                         \
		HOOK_CALL_(call);                                                        \
		if (!p_)                                                                 \
			hook_request(kind_, NULL, asked, align, &at_);                   \
		return hook_watched_end(&c_, p_);                                        \
	} while (0)

/* size: what counts; asked, align: what the program has asked for, which is told when it does not get it. */
#define HOOK_RECORD(kind, size, asked, align, call)                   \
	do {                                                          \
		const struct site at_ = SITE_HERE();                  \
                                                                      \
		HOOK_CALL_(call);                                     \
		hook_alloc(kind, p_, size, &at_);                     \
		if (unlikely(!p_))                                    \
			hook_request(kind, NULL, asked, align, &at_); \
		return p_;                                            \
	} while (0)

/* After hook_start_by_allocation the compiler knows whether something is watched. */
#define HOOK_ALLOC(kind, size, asked, align, call)                     \
	do {                                                           \
		const struct site at_ = SITE_HERE();                   \
                                                                       \
		if (unlikely(start_is_held()))                         \
			HOOK_WATCHED_(kind, size, asked, align, call); \
                                                                       \
		HOOK_CALL_(call);                                      \
		hook_alloc(kind, p_, size, &at_);                      \
		if (unlikely(!p_))                                     \
			hook_request(kind, NULL, asked, align, &at_);  \
		return p_;                                             \
	} while (0)

/*
 * Each of the most common hooks consists of three functions: one that records, one that asks first, and the hook
 * itself, which needs no frame and jumps to one of the two or to the real function. So the frames of the first two
 * look as if the program had called them, and a program in which nothing is recorded pays only for the jump.
 */
#define HOOK_IN_THREE(name, kind, size_, asked, call, params, arguments)  \
	static __attribute__((noinline)) void *record_##name params       \
	{                                                                 \
		HOOK_RECORD(kind, size_, asked, 0, call);                 \
	}                                                                 \
                                                                          \
	static __attribute__((noinline, cold)) void *ask_##name params    \
	{                                                                 \
		HOOK_ALLOC(kind, size_, asked, 0, call);                  \
	}                                                                 \
                                                                          \
	EXPORT void *name params                                          \
	{                                                                 \
		if (likely(!start_held))                                  \
			return record_##name arguments;                   \
		if (likely(start_is_at_rest()) || !start_by_allocation()) \
			return call;                                      \
		return ask_##name arguments;                              \
	}

/*
 * Of a release, while hooks are held. The site is passed by value: a hook that gives its own one's address away makes no tail
 * calls, and a sanitizer would see it in its stacks. True: it stays in memory, and its release is recorded. hooks_malloc.c
 */
bool hook_look_at_release(uint8_t kind, void *p, struct site at);

/* Nothing is released, or the release is not to be recorded. */
#define RELEASE_OR_PASS(kind, passed_on)                       \
	do {                                                   \
		if (!p)                                        \
			return;                                \
		if (unlikely(start_is_held())) {               \
			if (!start_and_ask()) {                \
				passed_on;                     \
				return;                        \
			}                                      \
			if (hook_look_at_release(kind, p, at)) \
				return;                        \
		}                                              \
	} while (0)

#endif
