/* ends - the recorder over a hand-made segment: which processes count together, and how they ended. */
#include "segment.h"

#include "replay/process_ends.h"
#include "tools/record/ending.h"
#include "tools/record/ends.h"

#include <signal.h>
#include <sys/wait.h>

#define SELF ((uint32_t)getpid())
#define NOBODY 0x7ffffff0u /* and above: no pids */
#define BLOCK 1000u

/* A program that starts now and allocates one block, which it never frees. */
static void fake_program(struct segment *s, uint32_t slot, uint32_t pid)
{
	struct fake_thread t;

	fake_process(s, slot, pid, SHM_ATTACHED);
	t = fake_thread(s, slot, slot, pid);
	fake_malloc(s, &t, 1, 0x1000, BLOCK);
}

/* Somebody knows that it is over now. */
static void fake_over(struct segment *s, uint32_t slot)
{
	s->shm->lives[slot].over = s->shm->header.programs + 1;
}

/* The peak as a reader finds it: events and ends in order of time. */
static uint64_t peak_in_file(struct segment *s)
{
	const struct process_end *end;
	struct trk_event e;
	struct heap *heap;
	struct process_ends ends;
	uint64_t peak;

	segment_open(s);
	assert_int_equal(heap_new(&heap, 1, NULL), 0);
	assert_int_equal(process_ends_init(&ends, s->capture), 0);
	while (cursor_next(s->cursor, &e, NULL) == 0) {
		while ((end = process_ends_take_before(&ends, e.time_ns)))
			heap_end_process(heap, end->process);
		assert_int_equal(heap_apply(heap, &e), 0);
	}
	peak = heap_totals(heap)->peak_bytes;
	process_ends_finish(&ends);
	heap_free(heap);
	return peak;
}

/* After so many rounds nothing runs; the peak is that of `blocks` at one time. */
static void check(struct segment *s, uint64_t rounds, uint32_t processes, uint64_t blocks)
{
	while (rounds--)
		segment_round(s);
	assert_int_equal(s->r->process_count, processes);
	assert_int_equal(s->r->live_count, 0);
	assert_int_equal(heap_totals(s->r->heap)->peak_bytes, blocks * BLOCK);
	assert_int_equal(heap_totals(s->r->heap)->allocations, processes);
	assert_int_equal(peak_in_file(s), blocks * BLOCK);
	for (uint32_t i = 0; i < processes; i++)
		assert_true(s->capture->processes[i].end_ns < UINT64_MAX &&
			    s->capture->processes[i].end_ns >= s->capture->processes[i].start_ns);
	segment_free(s);
}

static void one_after_the_other_in_one_round(void **state)
{
	struct segment s = segment_new();

	for (uint32_t i = 0; i < 20; i++) {
		fake_program(&s, i, NOBODY + i % 15);
		fake_over(&s, i);
	}
	check(&s, 1, 20, 1);
}

static void beside_each_other_in_one_round(void **state)
{
	struct segment s = segment_new();

	for (uint32_t i = 0; i < 8; i++)
		fake_program(&s, i, NOBODY + i);
	for (uint32_t i = 0; i < 8; i++)
		fake_over(&s, i);
	fake_program(&s, 8, NOBODY + 8); /* after all of them */
	fake_over(&s, 8);
	check(&s, 1, 9, 8);
}

/* Each ends when the next one has started: two at any time. */
static void in_a_chain_in_one_round(void **state)
{
	struct segment s = segment_new();

	for (uint32_t i = 0; i < 12; i++) {
		fake_program(&s, i, NOBODY + i);
		if (i)
			fake_over(&s, i - 1);
	}
	fake_over(&s, 11);
	check(&s, 1, 12, 2);
}

/* Nobody says anything: those that are found dead in one round may have run beside each other. */
static void of_those_that_nobody_speaks_for(void **state)
{
	struct segment s = segment_new();

	for (uint32_t i = 0; i < 4; i++)
		fake_program(&s, i, NOBODY + i);
	segment_round(&s);
	for (uint32_t i = 4; i < 6; i++)
		fake_program(&s, i, NOBODY + i); /* the others were seen to be gone before */
	check(&s, 1, 6, 4);
}

/* One that runs is over for nobody; what it allocates still counts. */
static void who_runs_is_not_over(void **state)
{
	struct segment s = segment_new();

	fake_program(&s, 0, SELF);
	fake_over(&s, 0);
	fake_program(&s, 1, NOBODY);
	fake_over(&s, 1);
	segment_round(&s);
	assert_int_equal(s.r->live_count, 1);
	assert_int_equal(heap_totals(s.r->heap)->peak_bytes, 2 * BLOCK);
	ends_set(s.r, s.r->live[0]);
	check(&s, 1, 2, 2);
}

/* A program has started since the round began: it may have run beside one that is found dead now. */
static void an_end_waits_for_who_may_have_run_beside(void **state)
{
	struct segment s = segment_new();

	fake_program(&s, 0, SELF);
	segment_round(&s);
	ends_set(s.r, s.r->live[0]);
	s.r->live[0]->over = 2; /* seen when number 1 was given */
	segment_round(&s);
	assert_int_equal(s.r->live_count, 1);
	fake_program(&s, 1, NOBODY);
	fake_over(&s, 1);
	check(&s, 1, 2, 2);
}

/* ---- how ---- */

static void check_status(uint64_t end, uint32_t ended, uint32_t code)
{
	struct segment s = segment_new();

	fake_program(&s, 0, NOBODY);
	s.shm->lives[0].end = end;
	segment_round(&s);
	assert_int_equal(s.r->live_count, 0);
	assert_int_equal(s.shm->process_states[0], ended ? SHM_FREE : SHM_CLAIMED);
	segment_open(&s);
	assert_int_equal(s.capture->processes[0].ended, ended);
	assert_int_equal(s.capture->processes[0].code, code);
	segment_free(&s);
}

static void what_was_said_is_written(void **state)
{
	check_status(SHM_END(NOBODY, SHM_END_SAID, 3u << 8), 1, 3);
	check_status(SHM_END(NOBODY, SHM_END_WAITED, 7u << 8), 1, 7);
	check_status(SHM_END(NOBODY, SHM_END_WAITED, 9), 2, 9);
	check_status(SHM_END(NOBODY, SHM_END_WAITED, 11 | 0x80 /* core */), 2, 11);
	check_status(SHM_END(NOBODY + 1, SHM_END_WAITED, 7u << 8), 0, 0); /* who had the slot before */
	check_status(0, 0, 0);
}

/* The parent of one that was killed speaks later than we look: its slot waits for that. */
static void a_slot_waits_for_the_parent(void **state)
{
	struct segment s = segment_new();

	fake_program(&s, 0, NOBODY);
	fake_program(&s, 1, NOBODY + 1);
	segment_round(&s);
	assert_int_equal(s.r->live_count, 0);
	assert_int_equal(s.shm->process_states[0], SHM_CLAIMED);
	s.shm->lives[0].end = SHM_END(NOBODY, SHM_END_WAITED, 9);
	ending_ask(s.r);
	assert_int_equal(s.shm->process_states[0], SHM_FREE);
	assert_int_equal(s.r->processes[0]->ended, 2);
	assert_int_equal(s.r->processes[0]->code, 9);
	assert_int_equal(s.r->unasked, 1);
	segment_now_ns += 20000000000ull; /* the other one's never speaks */
	segment_round(&s);
	ending_ask(s.r);
	assert_int_equal(s.shm->process_states[1], SHM_FREE);
	assert_int_equal(s.r->processes[1]->ended, 0);
	assert_int_equal(s.r->unasked, 0);
	segment_free(&s);
}

/* A process that executes a program just after it was looked who has come, and ends before it is looked who has ended: it is one. */
static void who_executes_and_ends_between_two_looks(void **state)
{
	struct segment s = segment_new();
	const pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	fake_process(&s, 0, (uint32_t)pid, SHM_FORKED);
	segment_round(&s);
	assert_int_equal(s.r->live_count, 1);
	fake_process(&s, 1, (uint32_t)pid, SHM_ATTACHED);
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	ends_look(s.r);
	ends_apply(s.r, s.shm->header.programs);
	assert_int_equal(s.r->live_count, 1);
	segment_round(&s);
	assert_int_equal(s.r->process_count, 1);
	assert_int_equal(s.r->processes[0]->execs, 1);
	assert_int_equal(s.r->live_count, 0);
	segment_free(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_executes_and_ends_between_two_looks),
		cmocka_unit_test(one_after_the_other_in_one_round),
		cmocka_unit_test(beside_each_other_in_one_round),
		cmocka_unit_test(in_a_chain_in_one_round),
		cmocka_unit_test(of_those_that_nobody_speaks_for),
		cmocka_unit_test(who_runs_is_not_over),
		cmocka_unit_test(an_end_waits_for_who_may_have_run_beside),
		cmocka_unit_test(what_was_said_is_written),
		cmocka_unit_test(a_slot_waits_for_the_parent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
