/* ask - see ask.h. */
#include "ask.h"

#include <string.h>

#include "arch.h"
#include "chunk.h"
#include "error.h"
#include "hook.h"
#include "raw.h"
#include "send.h"

#define SLICE_NS 20000000L
#define SLICE_SPINS 400000 /* about as long, where no system call may be made */
#define STILL_SLICES 50u /* the recorder may stand still for so long: a second */
#define SLICES 1500u /* half a minute: the recorder works, but may be behind by that much */

static struct shm_questions *questions(void)
{
	return &state.shm->questions;
}

static void wait_slice(struct shm_question *q, bool may_call)
{
	if (may_call)
		raw_futex_wait(&q->state, SHM_QUESTION_CLAIMED, SLICE_NS);
	for (int i = 0; i < SLICE_SPINS && !may_call; i++) {
		arch_pause();
		if (atomic_load_explicit(&q->state, memory_order_relaxed) != SHM_QUESTION_CLAIMED)
			break;
	}
}

/* If sixteen threads ask already, the next one waits for one of them. NULL: no entry became free in time. */
static struct shm_question *claim(bool may_call)
{
	for (unsigned slice = 0; slice < STILL_SLICES; slice++) {
		for (uint32_t i = 0; i < SHM_QUESTIONS; i++) {
			struct shm_question *const q = &questions()->entries[i];
			uint32_t free_state = SHM_QUESTION_FREE;

			if (atomic_compare_exchange_strong(&q->state, &free_state, SHM_QUESTION_CLAIMED))
				return q;
		}
		wait_slice(&questions()->entries[0], may_call);
	}
	return NULL;
}

static void wake_recorder(bool may_call)
{
	atomic_fetch_add(&questions()->asked, 1);
	if (may_call)
		(void)arch_syscall(SYS_futex, (long)&questions()->asked, FUTEX_WAKE, 1, 0, 0, 0);
}

/* False: the recorder is gone, or was behind for too long. */
static bool wait_for_answer(struct shm_question *q, bool may_call)
{
	const struct shm_header *const h = &state.shm->header;
	uint32_t seen = atomic_load(&h->progress);

	for (unsigned slice = 0, still = 0; slice < SLICES && still < STILL_SLICES; slice++) {
		if (atomic_load_explicit(&q->state, memory_order_acquire) == SHM_QUESTION_ANSWERED)
			return true;
		if (atomic_load(&h->closed))
			return false;
		wait_slice(q, may_call);
		still = atomic_load(&h->progress) == seen ? still + 1 : 0;
		seen = atomic_load(&h->progress);
	}
	return atomic_load_explicit(&q->state, memory_order_acquire) == SHM_QUESTION_ANSWERED;
}

static void leave(struct shm_question *q)
{
	uint32_t claimed = SHM_QUESTION_CLAIMED;

	if (!atomic_compare_exchange_strong(&q->state, &claimed, SHM_QUESTION_LEFT))
		atomic_store(&q->state, SHM_QUESTION_FREE); /* it was answered by now */
}

static int take(struct question *ret, const struct shm_question *q)
{
	const size_t bytes = q->what == SHM_ASK_FRAMES ? (size_t)q->count * sizeof(struct shm_frame) : q->count;
	const size_t room = bytes < sizeof(q->answer) ? bytes : sizeof(q->answer);

	memcpy(ret->figures, q->figures, sizeof(ret->figures));
	ret->count = q->count;
	if (ret->answer)
		memcpy(ret->answer, q->answer, room < ret->room ? room : ret->room);
	return q->result;
}

static bool send(struct thread *t, struct shm_question *entry, const struct question *q)
{
	entry->process = state.process_slot;
	entry->what = q->what;
	entry->count = 0;
	memcpy(entry->given, q->given, sizeof(entry->given));
	return send_question(t, (uint32_t)(entry - questions()->entries), q->at);
}

static int no_answer(void)
{
	return error_set(TRACKER_EIO, "the recorder does not answer: it has ended, or stands still");
}

/* The error that a code of the recorder stands for. */
static const char *refusal(int code)
{
	switch (code) {
	case TRACKER_ENOENT:
		return "no traced block is at that address";
	case TRACKER_EDISABLED:
		return "tracker is not tracing memory allocations: call tracker_start first";
	case TRACKER_ENOMEM:
		return "the recorder has no memory left for this";
	case TRACKER_EIO:
		return "the recorder has no descriptors or processes left for this";
	}
	return "the recorder does not understand the question: it is of another build";
}

int ask(struct question *q)
{
	const struct site at = SITE_HERE();
	const uintptr_t outer = tls.real_frame;
	struct shm_question *entry;
	struct thread *t = NULL;
	bool may_call, sent;
	int ret;

	if (hook_start_and_ask() && state.on) {
		tls.real_frame = 0; /* libtracker-replay asks, too, and its own blocks are not recorded */
		t = thread_enter(at.sp);
		tls.real_frame = outer;
	}
	if (!t)
		return error_set(TRACKER_EDISABLED, "this program is not being recorded: run it with tracker run");
	may_call = !state.sandboxed || chunk_may_call(t);
	entry = claim(may_call);
	sent = entry && send(t, entry, q);
	thread_leave(t);
	if (entry && !sent)
		atomic_store(&entry->state, SHM_QUESTION_FREE);
	if (!sent)
		return no_answer();
	wake_recorder(may_call);
	if (!wait_for_answer(entry, may_call)) {
		leave(entry);
		return no_answer();
	}
	ret = take(q, entry);
	atomic_store_explicit(&entry->state, SHM_QUESTION_FREE, memory_order_release);
	return ret == TRACKER_OK ? ret : error_set(ret, refusal(ret));
}
