/* rounds - the recorder over a hand-made segment: order, processes, chunks. */
#include "segment.h"
#include "tools/record/trim.h"
#include "tools/record/thread_slot.h"

#include <sys/wait.h>

#define SELF ((uint32_t)getpid())
#define BUSY_MS 100

static void one_thread_in_program_order(void **state)
{
	struct segment s = segment_new();
	struct fake_thread t;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	t = fake_thread(&s, 0, 0, SELF);
	for (uint64_t i = 0; i < 5000; i++)
		fake_malloc(&s, &t, 1, 0x1000 + 16 * i, i);
	assert_true(segment_round(&s) > 5000);
	for (uint64_t i = 0; i < 5000; i++) {
		const struct trk_event e = segment_event(&s);

		assert_int_equal(e.address, 0x1000 + 16 * i);
		assert_int_equal(e.size, i);
		assert_int_equal(e.kind, TRK_MALLOC);
	}
	segment_no_event(&s);
	segment_free(&s);
}

/* Every chunk but the one being filled goes back, and the waiters' word counts them. */
static void read_chunks_are_given_back(void **state)
{
	struct segment s = segment_new();
	struct fake_thread t;
	unsigned used = 0;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	t = fake_thread(&s, 0, 0, SELF);
	for (uint64_t i = 0; i < 10000; i++)
		fake_malloc(&s, &t, 1, 0x1000 + 16 * i, 8);
	assert_true(t.sequence > 3);
	segment_round(&s);
	for (unsigned i = 0; i < SHM_BITMAP_WORDS; i++)
		used += (unsigned)__builtin_popcountll(s.shm->chunk_bitmap[i]);
	assert_int_equal(used, 1);
	assert_int_equal(s.shm->header.chunks_freed, t.sequence - 1);
	s.shm->thread_states[0] = SHM_EXITED;
	segment_round(&s);
	assert_int_equal(s.shm->chunk_bitmap[(t.chunk - 1) / 64] >> ((t.chunk - 1) % 64) & 1, 0);
	assert_int_equal(s.shm->thread_states[0], SHM_FREE);
	segment_free(&s);
}

/* Much of many threads is read in several rounds, each of them short; the order stays. */
static void a_round_of_many_threads_is_short(void **state)
{
	enum { THREADS = 200,
	       EACH = 6000 };
	struct segment s = segment_new();
	static struct fake_thread t[THREADS];
	const uint64_t bound = (1u << 20) + THREADS * SHM_CHUNK_BYTES;
	uint64_t rounds = 0, bytes;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	for (uint32_t i = 0; i < THREADS; i++)
		t[i] = fake_thread(&s, i, 0, SELF + i);
	for (uint64_t e = 0; e < THREADS * EACH; e++)
		fake_malloc(&s, &t[e * 7 % THREADS], e + 1, 0x1000 + 16 * e, e);
	for (; (bytes = segment_round(&s)) > 0; rounds++)
		assert_true(bytes <= bound);
	assert_true(rounds > 4);
	for (uint64_t e = 0; e < THREADS * EACH; e++)
		assert_int_equal(segment_event(&s).size, e);
	assert_int_equal(s.r->counters.late, 0);
	segment_free(&s);
}

/* Published in another order than they happened: epochs decide, at random, 64 times. */
static void epochs_decide_between_threads(void **state)
{
	uint64_t seed = 7;

	for (int run = 0; run < 64; run++) {
		struct segment s = segment_new();
		struct fake_thread t[4];
		uint64_t owner[400];

		fake_process(&s, 0, SELF, SHM_ATTACHED);
		for (uint32_t i = 0; i < 4; i++)
			t[i] = fake_thread(&s, i, 0, SELF + i);
		for (uint64_t e = 0; e < 400; e++)
			owner[e] = random_next(&seed) % 4;
		for (uint32_t i = 0; i < 4; i++) /* one thread after the other */
			for (uint64_t e = 0; e < 400; e++)
				if (owner[e] == i)
					fake_malloc(&s, &t[i], e + 1, 0x1000 + 16 * e, e);
		segment_round(&s);
		for (uint64_t e = 0; e < 400; e++)
			assert_int_equal(segment_event(&s).size, e);
		assert_int_equal(s.r->counters.late, 0);
		segment_free(&s);
	}
}

static void a_busy_thread_holds_back_what_is_later(void **state)
{
	struct segment s = segment_new();
	struct fake_thread a, b;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	a = fake_thread(&s, 0, 0, SELF);
	b = fake_thread(&s, 1, 0, SELF + 1);
	fake_malloc(&s, &b, 1, 0x100, 1);
	s.shm->threads[0].busy = 1; /* a has loaded the order word and not stamped yet */
	fake_malloc(&s, &b, 3, 0x300, 3);
	segment_round(&s);
	segment_round(&s);
	assert_int_equal(s.r->counters.events, 1);
	fake_malloc(&s, &a, 2, 0x200, 2);
	s.shm->threads[0].busy = SHM_IDLE;
	segment_round(&s);
	for (uint64_t i = 1; i <= 3; i++)
		assert_int_equal(segment_event(&s).size, i);
	assert_int_equal(s.r->counters.late, 0);
	segment_free(&s);
}

static void a_stopped_thread_is_not_waited_for_long(void **state)
{
	struct segment s = segment_new();
	struct fake_thread a, b;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	a = fake_thread(&s, 0, 0, SELF);
	b = fake_thread(&s, 1, 0, SELF + 1);
	fake_malloc(&s, &b, 1, 0x100, 1);
	s.shm->threads[0].busy = 1;
	fake_malloc(&s, &b, 3, 0x300, 3);
	for (int i = 0; i < BUSY_MS / 2; i++)
		segment_round(&s);
	assert_int_equal(s.r->counters.events, 1);
	for (int i = 0; i < BUSY_MS; i++)
		segment_round(&s);
	assert_int_equal(s.r->counters.events, 2);
	fake_malloc(&s, &a, 2, 0x200, 2);
	s.shm->threads[0].busy = SHM_IDLE;
	segment_round(&s);
	assert_int_equal(s.r->counters.events, 3);
	assert_int_equal(s.r->counters.late, 1);
	segment_free(&s);
}

/* The owner shows its own epoch event after event: that holds nobody up, however long. */
static void the_owner_of_the_epoch_is_never_stuck(void **state)
{
	struct segment s = segment_new();
	struct fake_thread a, b;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	a = fake_thread(&s, 0, 0, SELF);
	b = fake_thread(&s, 1, 0, SELF + 1);
	s.shm->threads[0].busy = 1;
	for (uint64_t i = 0; i < 3 * BUSY_MS; i++) {
		fake_malloc(&s, &a, 1, 0x1000 + 16 * i, 1);
		segment_round(&s);
		assert_int_equal(s.r->counters.events, i + 1);
	}
	/* now another thread takes over, and the old owner is in the middle of an event */
	fake_malloc(&s, &b, 2, 0x100, 1);
	segment_round(&s);
	assert_int_equal(s.r->counters.events, 3 * BUSY_MS);
	segment_free(&s);
}

/* The slot's next thread finds itself the owner of the last one's epoch. */
static void a_reused_slot_keeps_the_order(void **state)
{
	struct segment s = segment_new();
	struct fake_thread a, b;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	a = fake_thread(&s, 0, 0, SELF);
	b = fake_thread(&s, 1, 0, SELF + 1);
	s.shm->threads[1].busy = 4; /* nothing is final: both streams wait in the recorder */
	fake_malloc(&s, &b, 4, 0x100, 1);
	fake_malloc(&s, &a, 5, 0x200, 2);
	fake_malloc(&s, &a, 5, 0x300, 3);
	s.shm->thread_states[0] = SHM_EXITED;
	segment_round(&s);
	assert_int_equal(s.shm->thread_states[0], SHM_FREE);
	a = fake_thread(&s, 0, 0, SELF + 2);
	fake_malloc(&s, &a, 5, 0x400, 4);
	segment_round(&s);
	s.shm->threads[1].busy = SHM_IDLE;
	segment_round(&s);
	for (uint64_t i = 1; i <= 4; i++)
		assert_int_equal(segment_event(&s).size, i);
	assert_int_equal(s.capture->thread_count, 3);
	segment_free(&s);
}

/* ---- processes ---- */

/* Nobody holds a dead process up: flags are void, nothing can come any more. */
static void everything_of_a_dead_process_is_read(void **state)
{
	struct segment s = segment_new();
	const pid_t pid = fork();
	struct fake_thread a, b;

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	fake_process(&s, 3, (uint32_t)pid, SHM_ATTACHED);
	a = fake_thread(&s, 5, 3, (uint32_t)pid);
	b = fake_thread(&s, 6, 3, (uint32_t)pid + 1);
	fake_malloc(&s, &a, 7, 0x700, 2);
	fake_malloc(&s, &b, 1, 0x100, 1);
	s.shm->threads[5].busy = s.shm->threads[6].busy = 0;
	s.shm->lives[3].end = SHM_END(pid, SHM_END_SAID, 0);
	segment_round(&s);
	assert_int_equal(s.r->live_count, 0);
	assert_int_equal(s.shm->process_states[3], SHM_FREE);
	assert_int_equal(s.shm->thread_states[5], SHM_FREE);
	assert_int_equal(s.shm->chunk_bitmap[0], 0);
	assert_int_equal(segment_event(&s).size, 1);
	assert_int_equal(segment_event(&s).size, 2);
	assert_true(s.capture->processes[0].end_ns != UINT64_MAX);
	assert_string_equal(s.capture->processes[0].name, "fake");
	assert_string_equal(s.capture->processes[0].libc, "glibc 2.99");
	assert_memory_equal(s.capture->processes[0].command_line, "fake\0arg", 9);
	segment_free(&s);
}

/* Same pid, new slot: one process, and nothing of the old program lives. */
static void exec_goes_on_in_the_same_process(void **state)
{
	struct segment s = segment_new();
	struct fake_thread t;
	struct trk_event e;

	fake_process(&s, 0, SELF, SHM_FORKED);
	t = fake_thread(&s, 0, 0, SELF);
	fake_malloc(&s, &t, 1, 0x1000, 10);
	segment_round(&s);
	fake_malloc(&s, &t, 1, 0x2000, 10);
	fake_process(&s, 1, SELF, SHM_ATTACHED);
	strcpy(s.shm->processes[1].program, "other");
	strcpy(s.shm->processes[1].executable, "/bin/other");
	t = fake_thread(&s, 1, 1, SELF);
	fake_malloc(&s, &t, 1, 0x1000, 30);
	segment_round(&s);
	assert_int_equal(s.shm->process_states[0], SHM_FREE);
	assert_int_equal(heap_totals(s.r->heap)->live_bytes, 30);
	segment_event(&s);
	assert_int_equal(segment_event(&s).address, 0x2000);
	e = segment_event(&s);
	assert_int_equal(e.kind, TRK_EXEC);
	assert_memory_equal(e.label, "other", 5);
	assert_int_equal(segment_event(&s).size, 30);
	assert_int_equal(s.capture->process_count, 1);
	assert_int_equal(s.capture->thread_count, 1);
	assert_int_equal(s.capture->processes[0].execs, 1);
	segment_free(&s);
}

/*
 * A child forks and execs between two scans, and its second program gets the lower slot,
 * which somebody else has just left: still one process, in the order that it happened.
 */
static void slots_are_bound_in_the_order_they_were_claimed(void **state)
{
	struct segment s = segment_new();
	struct fake_thread t;

	fake_process(&s, 5, SELF, SHM_FORKED);
	t = fake_thread(&s, 5, 5, SELF);
	fake_malloc(&s, &t, 1, 0x1000, 10);
	fake_process(&s, 2, SELF, SHM_ATTACHED);
	t = fake_thread(&s, 2, 2, SELF);
	fake_malloc(&s, &t, 1, 0x1000, 30);
	segment_round(&s);
	assert_int_equal(s.r->process_count, 1);
	assert_int_equal(s.r->processes[0]->execs, 1);
	assert_int_equal(s.r->processes[0]->slot, 2);
	assert_int_equal(s.shm->process_states[5], SHM_FREE);
	assert_int_equal(segment_event(&s).size, 10);
	assert_int_equal(segment_event(&s).kind, TRK_EXEC);
	assert_int_equal(segment_event(&s).size, 30);
	segment_free(&s);
}

/* Fork, exec, end, and a fork that is given the same pid: two processes, whatever their slots. */
static void a_pid_given_twice_is_two_processes(void **state)
{
	struct segment s = segment_new();

	fake_process(&s, 5, SELF, SHM_FORKED);
	fake_process(&s, 3, SELF, SHM_ATTACHED);
	fake_process(&s, 2, SELF, SHM_FORKED);
	fake_process(&s, 1, SELF, SHM_ATTACHED);
	segment_round(&s);
	assert_int_equal(s.r->process_count, 2);
	assert_int_equal(s.r->processes[0]->execs, 1);
	assert_int_equal(s.r->processes[1]->execs, 1);
	segment_free(&s);
}

/* What took its number after the scan began may have an earlier program that the scan has passed. */
static void who_comes_during_a_scan_waits(void **state)
{
	struct segment s = segment_new();

	fake_process(&s, 2, SELF, SHM_ATTACHED);
	s.shm->header.programs = 0;
	segment_round(&s);
	assert_int_equal(s.r->process_count, 0);
	s.shm->header.programs = 1;
	segment_round(&s);
	assert_int_equal(s.r->process_count, 1);
	segment_free(&s);
}

static void fake_child(struct segment *s, uint32_t slot, uint32_t pid, uint32_t parent_pid,
		       uint64_t parent_number)
{
	fake_process(s, slot, pid, SHM_FORKED);
	s->shm->processes[slot].parent_pid = parent_pid;
	s->shm->processes[slot].parent_number = parent_number;
}

/* It may have ended, its slot and its pid may be another's, and it may have gone on by exec. */
static void a_child_finds_the_program_that_forked(void **state)
{
	const uint32_t nobody = 0x7ffffff0;
	struct segment s = segment_new();

	fake_process(&s, 5, nobody, SHM_ATTACHED); /* number 0: ends with this round */
	s.shm->lives[5].end = SHM_END(nobody, SHM_END_SAID, 0);
	segment_round(&s);
	assert_int_equal(s.shm->process_states[5], SHM_FREE);
	fake_process(&s, 5, nobody, SHM_FORKED); /* 1 */
	segment_round(&s);
	fake_child(&s, 7, SELF, nobody, 0); /* 2 */
	fake_process(&s, 3, SELF, SHM_ATTACHED); /* 3: goes on by exec */
	fake_child(&s, 2, nobody + 1, SELF, 2);
	fake_child(&s, 1, nobody + 2, SELF, 3);
	fake_child(&s, 0, nobody + 3, nobody, 1);
	segment_round(&s);
	assert_int_equal(s.r->process_count, 6);
	assert_int_equal(s.r->processes[2]->parent, 0);
	assert_int_equal(s.r->processes[3]->parent, 2);
	assert_int_equal(s.r->processes[4]->parent, 2);
	assert_int_equal(s.r->processes[5]->parent, 1);
	segment_free(&s);
}

static void lost_events_are_told(void **state)
{
	struct segment s = segment_new();
	struct fake_thread t;
	struct trk_event e;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	t = fake_thread(&s, 0, 0, SELF);
	fake_begin_rare(&s, &t, TRK_GAP, 1, false);
	t.at = put_varint(t.at, 5);
	fake_publish(&s, &t);
	s.shm->threads[0].lost = 12; /* seven more since, and no room to say so */
	s.shm->thread_states[0] = SHM_EXITED;
	segment_round(&s);
	assert_int_equal(s.r->counters.lost, 12);
	e = segment_event(&s);
	assert_true(e.kind == TRK_GAP && e.size == 5);
	e = segment_event(&s);
	assert_true(e.kind == TRK_GAP && e.size == 7);
	segment_free(&s);
}

static void a_thread_that_never_said_goodbye_is_found(void **state)
{
	struct segment s = segment_new();
	const pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	waitpid(pid, NULL, 0);
	fake_process(&s, 0, SELF, SHM_ATTACHED);
	fake_thread(&s, 0, 0, SELF);
	fake_thread(&s, 1, 0, (uint32_t)pid); /* no thread of ours has this number */
	segment_round(&s);
	segment_now_ns += 2000000000ull;
	segment_round(&s);
	thread_slot_find_dead(s.r);
	segment_round(&s);
	assert_int_equal(s.shm->thread_states[0], SHM_LIVE);
	assert_int_equal(s.shm->thread_states[1], SHM_FREE);
	segment_free(&s);
}

/* A thread fills so many chunks from that one on, which are read, and goes on to another. */
static void use_chunks(struct segment *s, uint32_t first, uint32_t count)
{
	struct fake_thread t;

	memset((void *)s->shm->chunk_bitmap, 0xff, first / 8);
	fake_process(s, 0, SELF, SHM_ATTACHED);
	t = fake_thread(s, 0, 0, SELF);
	for (uint32_t n = 0; n <= count; n++) {
		fake_next_chunk(s, &t);
		assert_int_equal(t.chunk - 1, first + n);
		s->shm->chunks[first + n].payload[7] = 99;
	}
	segment_round(s);
}

/* Chunks that were used and are free give their memory back; those that somebody fills do not. */
static void free_chunks_are_given_back_to_the_system(void **state)
{
	enum { FIRST = (8u << 20) / SHM_CHUNK_BYTES,
	       COUNT = 5,
	       HELD = FIRST + 2 };
	struct segment s = segment_new();

	use_chunks(&s, FIRST, COUNT);
	s.shm->chunk_bitmap[HELD / 64] |= 1ull << (HELD % 64);
	trim_chunks(s.r);
	for (uint32_t n = FIRST; n < FIRST + COUNT; n++) {
		assert_int_equal(s.shm->chunks[n].payload[7], n == HELD ? 99 : 0);
		assert_int_equal(s.shm->chunk_bitmap[n / 64] >> (n % 64) & 1, n == HELD);
	}
	segment_free(&s);
}

/* The first ones are used again and again: they keep theirs, but for those that a limit keeps from being used. */
static void chunks_beyond_a_limit_are_given_back(void **state)
{
	enum { FIRST = 128,
	       COUNT = 3 };
	struct segment s = segment_new();

	(void)state;
	use_chunks(&s, FIRST, COUNT);
	trim_chunks(s.r);
	assert_int_equal(s.shm->chunks[FIRST].payload[7], 99);
	segment_free(&s);
	s = segment_new();
	s.shm->header.chunk_limit = FIRST + 1;
	use_chunks(&s, FIRST, COUNT);
	trim_chunks(s.r);
	for (uint32_t n = FIRST; n <= FIRST + COUNT; n++)
		assert_int_equal(s.shm->chunks[n].payload[7], n == FIRST || n == FIRST + COUNT ? 99 : 0);
	segment_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_thread_in_program_order),
		cmocka_unit_test(read_chunks_are_given_back),
		cmocka_unit_test(a_round_of_many_threads_is_short),
		cmocka_unit_test(epochs_decide_between_threads),
		cmocka_unit_test(a_busy_thread_holds_back_what_is_later),
		cmocka_unit_test(a_stopped_thread_is_not_waited_for_long),
		cmocka_unit_test(the_owner_of_the_epoch_is_never_stuck),
		cmocka_unit_test(a_reused_slot_keeps_the_order),
		cmocka_unit_test(everything_of_a_dead_process_is_read),
		cmocka_unit_test(exec_goes_on_in_the_same_process),
		cmocka_unit_test(slots_are_bound_in_the_order_they_were_claimed),
		cmocka_unit_test(a_pid_given_twice_is_two_processes),
		cmocka_unit_test(who_comes_during_a_scan_waits),
		cmocka_unit_test(a_child_finds_the_program_that_forked),
		cmocka_unit_test(lost_events_are_told),
		cmocka_unit_test(a_thread_that_never_said_goodbye_is_found),
		cmocka_unit_test(free_chunks_are_given_back_to_the_system),
		cmocka_unit_test(chunks_beyond_a_limit_are_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
