/* start - see start.h. */
#include "start.h"

#include <errno.h>
#include <link.h>

#include "asked.h"
#include "cfi.h"
#include "hook.h"
#include "session.h"
#include "symbol.h"
#include "thread.h"
#include "trace.h"

uint32_t start_held = 1;

static bool bypassed;
static atomic_bool reached; /* what is called comes to us: that is no reason any more */

uint32_t start_hold(int change)
{
	return __atomic_add_fetch(&start_held, (uint32_t)change, __ATOMIC_SEQ_CST) & ~START_RESTS;
}

void start_hold_only(uint32_t watchers)
{
	__atomic_store_n(&start_held, (start_held & START_RESTS) | (watchers + !atomic_load(&reached)), __ATOMIC_SEQ_CST);
}

void start_works(void)
{
	__atomic_and_fetch(&start_held, ~START_RESTS, __ATOMIC_SEQ_CST);
}

static void be_reached(void)
{
	if (!atomic_exchange(&reached, true))
		start_hold(-1);
}

/* What is called from a hook may come back to us, by malloc or mmap: the allocator that the program uses is not libc's own. */
static bool is_foreign(void)
{
	return bypassed || !real_is_libcs();
}

/* Others go on, unrecorded, meanwhile. */
void start_once(void)
{
	static atomic_bool started;
	const int saved = errno;

	if (!real_known) {
		real_look_up();
		operators_start();
		atomic_thread_fence(memory_order_seq_cst);
		real_known = true;
	}
	if (!atomic_load_explicit(&started, memory_order_relaxed) && !atomic_exchange(&started, true)) {
		bypassed = symbol_before("malloc").address != NULL;
		state.foreign_allocator = is_foreign();
		if (!bypassed && !real_is_sanitizer())
			be_reached();
		session_start();
		if (state.on)
			asked_start(&state.shm->header.asked);
		else
			__atomic_or_fetch(&start_held, START_RESTS, __ATOMIC_SEQ_CST);
	}
	errno = saved;
}

__attribute__((constructor)) static void loaded(void)
{
	start_once();
	thread_watch_forks();
	trace_by_environment();
}

bool start_and_ask(void)
{
	start_once();
	return !real_is_sanitizer();
}

/*
 * A program's own malloc may be one that only counts, or checks, and then calls the next: that it
 * came here shows. It is not called to see that; it may hold its lock, and count us.
 */
bool start_by_allocation(void)
{
	start_once();
	if (real_is_sanitizer())
		return false;
	if (unlikely(!atomic_load_explicit(&reached, memory_order_relaxed))) {
		bypassed = false;
		be_reached();
		session_withdraw_own_malloc();
	}
	return true;
}

bool start_is_bypassed(void)
{
	return bypassed;
}

const char *start_own_path(void)
{
	const struct link_map *m;
	struct cfi_module own;

	if (!cfi_module_at((uintptr_t)&start_held, &own))
		return NULL;
	m = own.link_map;
	return m && m->l_name && m->l_name[0] == '/' ? m->l_name : NULL;
}
