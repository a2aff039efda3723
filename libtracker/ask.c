/* ask - see ask.h. */
#include "ask.h"

#include <string.h>
#include <time.h>

#include "arch.h"
#include "chunk.h"
#include "error.h"
#include "hook.h"
#include "patience.h"
#include "raw.h"
#include "send.h"

#define MS_NS 1000000L
#define SPINS_UNMEASURED 200000u /* at least as long on most processors */
#define MEASURED_SPINS 4096u
#define ANSWER_MS 20u /* an answer wakes the thread that waits for it */
#define ENTRY_MS 1u /* who frees an entry wakes nobody */

static struct shm_questions *questions(void)
{
	return &state.shm->questions;
}

/*
 * How many rounds of the loop that waits without system calls take a millisecond; 0: not measured yet. They are counted,
 * because a sandbox may kill for a look at any clock. So the time in which this process is stopped, or another one runs, does
 * not count: the recorder may have been stopped, too.
 */
static _Atomic uint32_t ms_spins;

static void spin(const _Atomic uint32_t *word, uint32_t value, uint64_t rounds)
{
	for (uint64_t i = 0; i < rounds; i++) {
		arch_pause();
		if (atomic_load_explicit(word, memory_order_relaxed) != value)
			break;
	}
}

static int64_t now_ns(void)
{
	struct timespec t = { 0 };

	(void)arch_syscall(SYS_clock_gettime, CLOCK_MONOTONIC, (long)&t, 0, 0, 0, 0);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* The shortest of some times counts: another process may run in between. The word does not change. */
static void measure_spins(const _Atomic uint32_t *word)
{
	int64_t least = MS_NS;

	for (int i = 0; i < 3; i++) {
		const int64_t began = now_ns();
		int64_t took;

		spin(word, atomic_load(word), MEASURED_SPINS);
		took = now_ns() - began;
		if (took > 0 && took < least)
			least = took;
	}
	atomic_store(&ms_spins, (uint32_t)(MS_NS * MEASURED_SPINS / least));
}

/* Waits while the word has this value, at most so long. */
static void wait_ms(_Atomic uint32_t *word, uint32_t value, unsigned ms, bool may_call)
{
	const uint32_t spins = atomic_load_explicit(&ms_spins, memory_order_relaxed);

	if (may_call)
		raw_futex_wait(word, value, ms * MS_NS);
	else
		spin(word, value, (uint64_t)ms * (spins ? spins : SPINS_UNMEASURED));
}

static uint32_t word(enum shm_question_state s)
{
	return SHM_QUESTION(s, state.process_slot);
}

/* If sixteen threads ask already, the next one waits for one of them. NULL: no entry became free in time. */
static struct shm_question *claim(bool may_call)
{
	_Atomic uint32_t nobody = 0; /* wakes it: who was answered may not run for a while, and frees its entry only then */
	struct patience p = patience_begin();

	/* from here on the recorder looks at the entries of programs that have ended: this one may not come to its question */
	if (!atomic_load(&questions()->asked))
		atomic_fetch_add(&questions()->asked, 1);
	do {
		for (uint32_t i = 0; i < SHM_QUESTIONS; i++) {
			struct shm_question *const q = &questions()->entries[i];
			uint32_t free_state = SHM_QUESTION_FREE;

			if (atomic_compare_exchange_strong(&q->state, &free_state, word(SHM_QUESTION_CLAIMED)))
				return q;
		}
		wait_ms(&nobody, 0, ENTRY_MS, may_call);
	} while (patience_lasts(&p, ENTRY_MS));
	return NULL;
}

static void wake_recorder(bool may_call)
{
	atomic_fetch_add(&questions()->asked, 1);
	if (may_call)
		(void)arch_syscall(SYS_futex, (long)&questions()->asked, FUTEX_WAKE, 1, 0, 0, 0);
}

static bool is_answered(const struct shm_question *q)
{
	return SHM_QUESTION_STATE(atomic_load_explicit(&q->state, memory_order_acquire)) == SHM_QUESTION_ANSWERED;
}

static bool wait_for_answer(struct shm_question *q, bool may_call)
{
	struct patience p = patience_begin();

	do
		wait_ms(&q->state, word(SHM_QUESTION_CLAIMED), ANSWER_MS, may_call);
	while (!is_answered(q) && patience_lasts(&p, ANSWER_MS));
	return is_answered(q);
}

/* False: it was answered by now. */
static bool leave(struct shm_question *q)
{
	uint32_t claimed = word(SHM_QUESTION_CLAIMED);

	return atomic_compare_exchange_strong(&q->state, &claimed, word(SHM_QUESTION_LEFT));
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
	entry->what = q->what;
	entry->count = q->text ? (uint32_t)strnlen(q->text, SHM_TEXT_BYTES) : 0;
	if (q->text)
		memcpy(entry->answer, q->text, entry->count);
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
	entry = patience_is_over() ? NULL : claim(may_call);
	if (entry && may_call && !atomic_load_explicit(&ms_spins, memory_order_relaxed))
		measure_spins(&entry->state);
	sent = entry && send(t, entry, q);
	thread_leave(t);
	if (entry && !sent)
		atomic_store(&entry->state, SHM_QUESTION_FREE);
	if (!sent)
		return no_answer();
	wake_recorder(may_call);
	if (!wait_for_answer(entry, may_call) && leave(entry))
		return no_answer();
	ret = take(q, entry);
	atomic_store_explicit(&entry->state, SHM_QUESTION_FREE, memory_order_release);
	return ret == TRACKER_OK ? ret : error_set(ret, refusal(ret));
}
