/* own_recorder - see own_recorder.h. */
#include "own_recorder.h"

#include "error.h"
#include "raw.h"
#include "session.h"
#include "spawn.h"
#include "thread.h"

static int start(uint32_t nframe)
{
	struct inherited from;
	int code = session_may_attach();

	if (code == TRACKER_OK)
		code = spawn_recorder(nframe, &from);
	if (code != TRACKER_OK)
		return code;
	if (!session_attach(&from))
		return error_set(TRACKER_ENOMEM, "there was no memory for the recorder's tables");
	thread_watch_forks();
	return TRACKER_OK;
}

static bool rested; /* it was recorded before; otherwise there is nothing to go on with */

/* After a rest, or in a child that was forked during one. */
static int go_on(void)
{
	if (!rested)
		return error_set(TRACKER_ENOMEM, "there was no memory for the recorder's tables when the program started");
	if (atomic_load(&state.shm->header.closed))
		return error_set(TRACKER_EIO, "the recorder of this program has ended: it was stopped, and cannot be started again");
	atomic_fetch_add(&state.code_generation, 1); /* modules that were loaded and unloaded during the rest were not told */
	state.on = true;
	if (*state.fork_page || session_enter_child())
		return TRACKER_OK;
	return error_set(TRACKER_EIO, "this forked process could not be told to the recorder");
}

static _Atomic uint32_t wishes;

int own_recorder_want(enum own_wish wish, uint32_t nframe)
{
	static _Atomic uint32_t busy;
	uint32_t idle = 0;
	int code;

	atomic_fetch_or(&wishes, wish);
	if (state.on)
		return TRACKER_OK;
	while (!atomic_compare_exchange_strong(&busy, &idle, 1)) { /* another thread is starting it */
		idle = 0;
		raw_futex_wait(&busy, 1, 1000000);
	}
	code = state.on ? TRACKER_OK : state.process ? go_on() :
						       start(nframe);
	atomic_store(&busy, 0);
	if (code != TRACKER_OK)
		atomic_fetch_and(&wishes, ~(uint32_t)wish);
	return code;
}

void own_recorder_rest(enum own_wish wish)
{
	const uint32_t left = atomic_fetch_and(&wishes, ~(uint32_t)wish) & ~(uint32_t)wish;

	if (!left && state.on && state.shm->header.flags & SHM_OWN) {
		rested = true;
		state.on = false;
	}
}
