/* start - see start.h. */
#include "start.h"

#include <errno.h>
#include <link.h>

#include "alone.h"
#include "asked.h"
#include "cfi.h"
#include "free_check.h"
#include "hook.h"
#include "quarantine.h"
#include "session.h"
#include "symbol.h"
#include "thread.h"
#include "trace.h"

uint32_t start_held = 1;

static bool bypassed;
static atomic_bool reached; /* calls come to the hooks, so that is no reason to hold them any more */

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

void start_rests(void)
{
	/* First: some hooks look at the one, and some at the other, and what is recorded of a thread must end at one of its calls. */
	state.on = false;
	__atomic_or_fetch(&start_held, START_RESTS, __ATOMIC_SEQ_CST);
}

static void be_reached(void)
{
	if (!atomic_exchange(&reached, true))
		start_hold(-1);
}

/*
 * A function that a hook calls may come back to the hooks, by malloc or mmap: the program's allocator is not libc's
 * own.
 */
static bool is_foreign(void)
{
	return bypassed || !real_is_libcs();
}

/* Other threads go on meanwhile, unrecorded. */
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
		session_start(symbol_is_late());
		if (state.on) {
			asked_start(&state.shm->header.asked);
			free_check_start(false);
			quarantine_start();
		} else
			start_rests();
	}
	errno = saved;
}

__attribute__((constructor)) static void loaded(void)
{
	start_once();
	thread_watch_forks();
	if (symbol_is_late()) /* then what the environment says is not meant for it */
		return;
	trace_by_environment();
	alone_start();
}

bool start_and_ask(void)
{
	start_once();
	return !real_is_sanitizer();
}

/*
 * A program's own malloc may only count or check, and then call the next one. If a call comes here, it does.
 * libtracker does not call it to find out, because it may hold its lock, and would count the call.
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
