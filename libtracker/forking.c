/* forking - see forking.h. */
#include "forking.h"

#include <errno.h>

#include "hook.h"
#include "self_capture.h"
#include "trace.h"

static bool is_inherited(void)
{
	return state.on && !(state.shm->header.flags & SHM_NO_FOLLOW_FORK) && (trace_is_tracing() || capture_is_active());
}

static struct thread *send(uint8_t kind, uint32_t number)
{
	const struct site at = SITE_HERE();
	struct thread *const t = thread_enter(at.sp);
	uint8_t operand[TRK_VARINT_MAX];

	if (!t)
		return NULL;
	(void)send_record(t, kind, operand, (uint32_t)(put_varint(operand, number) - operand), NULL, 0);
	thread_leave(t);
	return t;
}

void forking_begin(void)
{
	const int before = errno;
	struct thread *t;
	uint32_t number;

	if (tls.fork || !is_inherited())
		return;
	do
		number = atomic_fetch_add(&state.shm->header.forks, 1) + 1;
	while (!number || number == SHM_FORK_UNSEEN);
	t = send(WIRE_FORK, number);
	if (!t)
		return;
	tls.fork = number;
	t->errno_before = before;
	errno = 0; /* see forking_end_unsaid */
}

/* The number of the fork that this thread was in, and is not any more. */
static uint32_t leave(bool keeps_errno)
{
	const uint32_t number = tls.fork;

	if (number && keeps_errno && tls.level < THREAD_LEVELS && tls.threads[tls.level])
		errno = tls.threads[tls.level]->errno_before;
	tls.fork = 0;
	return number;
}

void forking_end(bool failed)
{
	const uint32_t number = leave(!failed);

	if (number && failed)
		(void)send(WIRE_FORK_FAILED, number);
}

/* A fork that fails leaves an errno behind. */
void forking_end_unsaid(void)
{
	forking_end(errno != 0);
}

uint32_t forking_take(void)
{
	const uint32_t number = leave(true);

	return number ? number : is_inherited() ? SHM_FORK_UNSEEN :
						  0;
}
