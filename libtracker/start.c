/* start - see start.h. */
#include "start.h"

#include <errno.h>
#include <link.h>

#include "cfi.h"
#include "hook.h"
#include "session.h"
#include "symbol.h"
#include "thread.h"

bool start_records_all;

static bool bypassed;

/* Others go on, unrecorded, meanwhile. */
void start_once(void)
{
	static atomic_flag started = ATOMIC_FLAG_INIT;
	const int saved = errno;

	if (!real_known) {
		real_look_up();
		operators_start();
		atomic_thread_fence(memory_order_seq_cst);
		real_known = true;
	}
	if (!atomic_flag_test_and_set(&started)) {
		bypassed = symbol_before("malloc").address != NULL;
		start_records_all = !bypassed && !real_is_sanitizer();
		session_start();
	}
	errno = saved;
}

__attribute__((constructor)) static void loaded(void)
{
	start_once();
	thread_watch_forks();
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
	bypassed = false;
	start_records_all = true;
	session_withdraw_own_malloc();
	return true;
}

bool start_is_bypassed(void)
{
	return bypassed;
}

bool start_is_foreign(void)
{
	return bypassed || !real_is_libcs();
}

const char *start_own_path(void)
{
	const struct link_map *m;
	struct cfi_module own;

	if (!cfi_module_at((uintptr_t)&start_records_all, &own))
		return NULL;
	m = own.link_map;
	return m && m->l_name && m->l_name[0] == '/' ? m->l_name : NULL;
}
