/* late - see late.h. */
#include "late.h"

#include <errno.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>

#include "arch.h"
#include "session.h"
#include "slots.h"
#include "state.h"
#include "thread.h"

EXPORT struct late_state tracker_late_state;
struct late_state tracker_late_state = { .version = SHM_VERSION };

static uint32_t attach(const struct late_order *o)
{
	const struct inherited from = { .fd = o->fd, .recording = o->recording, .pid = o->pid, .late = true };

	if (state.on && !atomic_load(&state.shm->header.closed))
		return LATE_ALREADY;
	if (!session_may_attach_late())
		return LATE_REFUSED;
	slots_look(true);
	if (session_attach(NULL, &from))
		return LATE_DONE;
	slots_look(false);
	return session_is_idle() ? LATE_NO_ROOM : LATE_AT_WORK_STILL;
}

/* Hooks that are at work, or are called by pointers that were copied, only pass on from now on. */
static uint32_t detach(void)
{
	const bool was_on = state.on;

	session_leave();
	slots_look(false);
	return was_on ? LATE_DONE : LATE_NOT;
}

void late_forked(void)
{
	uint16_t at_work = LATE_AT_WORK;

	(void)__atomic_compare_exchange_n(&tracker_late_state.on, &at_work, 0, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
}

/* Called by no code of the program's, and at a place where it holds neither the loader's lock nor an allocator's. */
EXPORT uint32_t tracker_late(struct late_order *o);
EXPORT uint32_t tracker_late(struct late_order *o)
{
	const int saved = errno;
	struct timespec now = { 0 };
	uint32_t answer;

	if (o->version != SHM_VERSION)
		return LATE_OTHER_VERSION;
	/* the tools take turns; but if one was killed, the thread that it borrowed may still be at work */
	if (__atomic_exchange_n(&tracker_late_state.on, LATE_AT_WORK, __ATOMIC_SEQ_CST) == LATE_AT_WORK)
		return LATE_BUSY;
	thread_forget_hooks();
	answer = o->what == LATE_ATTACH ? attach(o) : detach();
	__atomic_store_n(&tracker_late_state.on, state.on, __ATOMIC_SEQ_CST);
	(void)arch_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&now, 0, 0, 0, 0);
	o->ended_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	errno = saved;
	return answer;
}
