/* ask - libtracker's half of a question, over memory that a thread of this test answers in the recorder's place. */
#include "unit.h"

#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ask.h"
#include "chunk.h"
#include "error.h"
#include "hook.h"
#include "send.h"

#define SLOT 5u /* of this process */
#define ASKERS 40
#define EACH 300

/* ---- what the rest of libtracker is for ask.c ---- */

struct tracker_state state;
__thread struct tracker_tls tls __attribute__((tls_model("initial-exec")));
uint32_t start_held;
static __thread struct thread this_thread;
static const volatile uint32_t not_forked = 1;
static atomic_bool published[SHM_QUESTIONS], over;

bool start_and_ask(void)
{
	return true;
}

struct thread *thread_begin(uint32_t level, uintptr_t frame, bool heap)
{
	(void)frame;
	(void)heap;
	return tls.threads[level] = &this_thread;
}

static const uint8_t nobody;
const volatile uint8_t *dormant_wanted = &nobody;

bool dormant_wake(uintptr_t frame)
{
	(void)frame;
	return false;
}

bool session_enter_child(void)
{
	return false;
}

uint32_t thread_nested_level(uintptr_t frame)
{
	(void)frame;
	return THREAD_LEVELS;
}

bool chunk_may_call(const struct thread *t)
{
	(void)t;
	return true;
}

bool send_question(struct thread *t, uint32_t entry, const struct site *at)
{
	(void)t;
	(void)at;
	atomic_store(&published[entry], true);
	return true;
}

/* ---- the recorder ---- */

static void answer(struct shm_question *q)
{
	uint32_t claimed = SHM_QUESTION(SHM_QUESTION_CLAIMED, SLOT);

	q->result = -(int32_t)q->what;
	q->figures[0] = q->given[0] * 2;
	q->count = 4;
	memcpy(q->answer, "text", 4);
	if (!atomic_compare_exchange_strong(&q->state, &claimed, SHM_QUESTION(SHM_QUESTION_ANSWERED, SLOT)))
		atomic_store(&q->state, SHM_QUESTION_FREE);
	syscall(SYS_futex, &q->state, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
}

static void *recorder(void *unused)
{
	while (!atomic_load(&over)) {
		atomic_fetch_add(&state.shm->header.progress, 1);
		for (uint32_t i = 0; i < SHM_QUESTIONS; i++)
			if (atomic_exchange(&published[i], false))
				answer(&state.shm->questions.entries[i]);
		usleep(100);
	}
	return unused;
}

static pthread_t recorder_thread;

static int begin(void **unused)
{
	(void)unused;
	state.shm = mmap(NULL, sizeof(*state.shm), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	state.fork_page = &not_forked;
	state.on = true;
	state.process_slot = SLOT;
	atomic_store(&over, false);
	return state.shm == MAP_FAILED || pthread_create(&recorder_thread, NULL, recorder, NULL);
}

static int end(void **unused)
{
	(void)unused;
	atomic_store(&over, true);
	pthread_join(recorder_thread, NULL);
	for (uint32_t i = 0; i < SHM_QUESTIONS; i++)
		assert_int_equal(state.shm->questions.entries[i].state, SHM_QUESTION_FREE);
	return munmap(state.shm, sizeof(*state.shm));
}

/* ---- tests ---- */

static void *asker(void *wrong)
{
	for (uint64_t i = 0; i < EACH; i++) {
		char text[8] = "";
		struct question q = { .given = { (uintptr_t)&q + i }, .answer = text, .room = i % 5 };

		if (ask(&q) != TRACKER_OK || q.figures[0] != ((uintptr_t)&q + i) * 2 || strncmp(text, "text", i % 5) != 0 || strlen(text) != i % 5)
			atomic_fetch_add((atomic_int *)wrong, 1);
	}
	return NULL;
}

static void each_of_a_crowd_gets_its_own_answer(void **unused)
{
	pthread_t all[ASKERS];
	atomic_int wrong = 0;

	(void)unused;
	for (unsigned i = 0; i < ASKERS; i++)
		pthread_create(&all[i], NULL, asker, &wrong);
	for (unsigned i = 0; i < ASKERS; i++)
		pthread_join(all[i], NULL);
	assert_int_equal(wrong, 0);
}

/* The code of the recorder, and a sentence of its own. */
static void each_refusal_is_told(void **unused)
{
	static const int codes[] = { TRACKER_ENOENT, TRACKER_EDISABLED, TRACKER_ENOMEM, TRACKER_EIO, -1000 };
	char said[5][200];

	(void)unused;
	for (unsigned i = 0; i < 5; i++) {
		struct question q = { .what = (uint32_t)-codes[i] };

		assert_int_equal(ask(&q), codes[i]);
		snprintf(said[i], sizeof(said[i]), "%s", error_last());
		assert_true(strlen(said[i]) > 20);
		for (unsigned k = 0; k < i; k++)
			assert_string_not_equal(said[i], said[k]);
	}
}

/* Nothing is recorded; the recorder has ended; it stands still. */
static void what_is_not_answered_ends(void **unused)
{
	struct question q = { .what = 0 };
	unsigned before = 0, after = 0;

	(void)unused;
	state.on = false;
	assert_int_equal(ask(&q), TRACKER_EDISABLED);
	state.on = true;
	atomic_store(&over, true);
	pthread_join(recorder_thread, NULL);
	atomic_store(&state.shm->header.closed, 1);
	assert_int_equal(ask(&q), TRACKER_EIO);
	atomic_store(&state.shm->header.closed, 0);
	assert_int_equal(ask(&q), TRACKER_EIO);
	assert_string_equal(error_last(), "the recorder does not answer: it has ended, or stands still");
	for (uint32_t i = 0; i < SHM_QUESTIONS; i++)
		before += atomic_load(&published[i]);
	for (int i = 0; i < 100; i++) /* nobody waits again for a recorder that stands still: these are not even asked */
		assert_int_equal(ask(&q), TRACKER_EIO);
	for (uint32_t i = 0; i < SHM_QUESTIONS; i++)
		after += atomic_load(&published[i]);
	assert_int_equal(after, before);
	for (uint32_t i = 0; i < SHM_QUESTIONS; i++) /* as the recorder does when it comes to them at last */
		if (atomic_exchange(&published[i], false)) {
			assert_int_equal(state.shm->questions.entries[i].state, SHM_QUESTION(SHM_QUESTION_LEFT, SLOT));
			answer(&state.shm->questions.entries[i]);
		}
	atomic_store(&over, false);
	assert_int_equal(pthread_create(&recorder_thread, NULL, recorder, NULL), 0);
	while (!atomic_load(&state.shm->header.progress) || ask(&q) != TRACKER_OK) /* it goes on, and is asked again */
		usleep(100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_of_a_crowd_gets_its_own_answer, begin, end),
		cmocka_unit_test_setup_teardown(each_refusal_is_told, begin, end),
		cmocka_unit_test_setup_teardown(what_is_not_answered_ends, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
