/* chunk - how long a thread waits for a chunk, over a segment that a thread of this test reads in the recorder's place. */
#include "unit.h"

#include <pthread.h>
#include <sys/mman.h>
#include <time.h>

#include "chunk.h"
#include "raw.h"
#include "libtracker/segment.h"
#include "start.h"
#include "thread.h"

#define CHUNKS 64u /* of the segment, all of them in use */

/* ---- what the rest of libtracker is for chunk.c ---- */

struct tracker_state state;

void start_rests(void)
{
	state.on = false;
}

uint32_t segment_words_max(void)
{
	return CHUNKS / 64u;
}

bool segment_grow(void)
{
	return false;
}

/* ---- the recorder ---- */

struct recorder {
	pthread_t thread;
	atomic_bool ends;
	unsigned rounds, progress; /* so many in all, one each millisecond */
	bool gives; /* a chunk, when these are over */
};

static void *record(void *data)
{
	struct recorder *const r = data;
	struct shm_header *const h = &state.shm->header;
	_Atomic uint32_t *const sandbox = &state.shm->threads[0].sandbox;
	unsigned n = 0;

	for (; !r->ends && n < r->rounds + r->progress; n++) {
		if (atomic_load(sandbox) == SHM_SANDBOX_ASKED)
			atomic_store(sandbox, SHM_SANDBOX_NONE);
		if (n < r->rounds)
			atomic_fetch_add(&h->rounds, 1);
		atomic_fetch_add(&h->progress, 1);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	if (r->gives) {
		atomic_fetch_and(&state.shm->chunk_bitmap[0], ~(1ull << 7));
		atomic_fetch_add(&h->chunks_freed, 1);
	}
	while (!r->ends) {
		if (atomic_load(sandbox) == SHM_SANDBOX_ASKED)
			atomic_store(sandbox, SHM_SANDBOX_NONE);
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return NULL;
}

/* Whether a thread gets a chunk of a full segment, with such a recorder. */
static bool gets_a_chunk(struct recorder r)
{
	struct thread t = { 0 };
	bool got;

	state.shm = mmap(NULL, sizeof(*state.shm), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(state.shm != MAP_FAILED);
	state.on = true;
	atomic_store(&state.chunk_pieces[0], (void *)state.shm->chunks);
	atomic_store(&state.chunk_words, CHUNKS / 64u);
	atomic_store(&state.stuck_progress, 0);
	atomic_store(&state.barren_freed, 0);
	atomic_store(&state.unanswered_progress, 0);
	atomic_store(&state.shm->chunk_bitmap[0], UINT64_MAX);
	state.shm->header.stall_ms = 100;
	t.slot = &state.shm->threads[0];
	pthread_create(&r.thread, NULL, record, &r);
	got = chunk_next(&t);
	r.ends = true;
	pthread_join(r.thread, NULL);
	munmap(state.shm, sizeof(*state.shm));
	return got;
}

/* As when it writes a keyframe, or adds a million nodes. */
static void a_long_round_is_waited_for(void **unused)
{
	(void)unused;
	assert_true(gets_a_chunk((struct recorder){ .progress = 1000, .gives = true }));
}

static void rounds_are_waited_for(void **unused)
{
	(void)unused;
	assert_true(gets_a_chunk((struct recorder){ .rounds = 10, .gives = true }));
}

static void threads_that_hold_all_chunks_are_not_waited_for(void **unused)
{
	(void)unused;
	assert_false(gets_a_chunk((struct recorder){ .rounds = 1000000 }));
}

static void a_recorder_that_stands_still_is_not_waited_for(void **unused)
{
	(void)unused;
	assert_false(gets_a_chunk((struct recorder){ .rounds = 1 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_long_round_is_waited_for),
		cmocka_unit_test(rounds_are_waited_for),
		cmocka_unit_test(threads_that_hold_all_chunks_are_not_waited_for),
		cmocka_unit_test(a_recorder_that_stands_still_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
