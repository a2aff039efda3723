/* own_recorder - see own_recorder.h. */
#include "own_recorder.h"

#include "error.h"
#include "format/shm.h"
#include "raw.h"
#include "session.h"
#include "spawn.h"
#include "start.h"
#include "thread.h"

static int start(uint32_t nframe)
{
	struct inherited from = { 0 };
	int code = session_may_attach();

	if (code == TRACKER_OK)
		code = spawn_recorder(nframe, &from);
	if (code != TRACKER_OK)
		return code;
	if (!session_attach(NULL, &from))
		return error_set(TRACKER_ENOMEM, "there was no memory for the recorder's tables");
	thread_watch_forks();
	return TRACKER_OK;
}

static uint32_t rested; /* number of the recording whose recorder waits for the program; another one: there is nothing to go on with */

/* After a rest, or in a child that was forked during one. */
static int go_on(void)
{
	if (atomic_load(&state.shm->header.closed))
		return error_set(TRACKER_EIO, "the recorder of this program has ended: it was stopped, and cannot be started again");
	atomic_fetch_add(&state.code_generation, 1); /* modules that were loaded and unloaded during the rest were not told */
	start_works();
	state.on = true;
	if (*state.fork_page || session_enter_child())
		return TRACKER_OK;
	return error_set(TRACKER_EIO, "this forked process could not be told to the recorder");
}

static _Atomic uint32_t wishes;
static _Atomic uint32_t busy; /* the pid of the process in which a thread starts or rests; 0: none does */

#define WAITS 20000u /* of a millisecond: longer than a recorder may take to start */

/*
 * Only one thread at a time starts a recorder or lets it rest. A forked child has a copy of what its parent held: it takes that
 * over. False: the holder is what a signal handler has interrupted, and will not go on.
 */
static bool lock(void)
{
	const uint32_t me = raw_getpid();

	for (unsigned i = 0; i < WAITS; i++) {
		uint32_t holder = atomic_load(&busy);

		if (holder != me && atomic_compare_exchange_strong(&busy, &holder, me))
			return true;
		raw_futex_wait(&busy, me, 1000000);
	}
	return false;
}

static void unlock(void)
{
	atomic_store(&busy, 0);
}

int own_recorder_want(enum own_wish wish, uint32_t nframe)
{
	const uint32_t kept = nframe + SHM_FRAMES_MORE < TRACKER_NFRAME_MAX ? nframe + SHM_FRAMES_MORE : TRACKER_NFRAME_MAX;
	int code;

	if (!lock())
		return error_set(TRACKER_EBUSY, "the recorder of this program is being started, and that does not end");
	code = state.on ? TRACKER_OK : rested && rested == state.recording ? go_on() :
									     start(kept);
	if (code == TRACKER_OK)
		atomic_fetch_or(&wishes, wish);
	unlock();
	return code;
}

void own_recorder_rest(enum own_wish wish)
{
	if (!lock())
		return; /* it goes on recording, which costs time and nothing else */
	if (!(atomic_fetch_and(&wishes, ~(uint32_t)wish) & ~(uint32_t)wish) && state.on && state.shm->header.flags & SHM_OWN) {
		rested = state.recording;
		start_rests();
	}
	unlock();
}
