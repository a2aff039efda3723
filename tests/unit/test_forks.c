/* forks - what children inherit over a hand-made segment: what was there at the fork, whenever they come. */
#include "segment.h"

#include "libtracker/tracker.h"
#include "tools/record/births.h"
#include "tools/record/forks.h"

#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#define SELF ((uint32_t)getpid())

#define NOBODY 0x3f000000u /* no kernel gives such a pid */

struct family {
	struct segment s;
	struct fake_thread parent, child;
	uint32_t entries; /* of questions, so far */
};

static struct family begin(void)
{
	struct family f = { .s = segment_new() };

	fake_process(&f.s, 0, SELF, SHM_ATTACHED);
	f.parent = fake_thread(&f.s, 0, 0, SELF);
	return f;
}

static uint32_t ask(struct family *f, struct fake_thread *t, uint32_t process, uint32_t what, uint64_t given)
{
	struct shm_question *const q = &f->s.shm->questions.entries[f->entries];

	q->state = SHM_QUESTION(SHM_QUESTION_CLAIMED, process);
	q->what = what;
	q->given[0] = given;
	fake_begin_rare(&f->s, t, WIRE_QUESTION, 1, false);
	t->at = put_varint(t->at, f->entries);
	fake_publish(&f->s, t);
	return f->entries++;
}

static void tell_fork(struct family *f, uint8_t kind, uint32_t number)
{
	fake_begin_rare(&f->s, &f->parent, kind, 1, false);
	f->parent.at = put_varint(f->parent.at, number);
	fake_publish(&f->s, &f->parent);
}

/* The child that fork made comes, and asks how many bytes it has. Its pid is nobody's. */
static uint32_t come(struct family *f, uint32_t slot, uint32_t number)
{
	struct shm_process *const p = &f->s.shm->processes[slot];

	fake_process(&f->s, slot, NOBODY + slot, SHM_FORKED);
	p->parent_pid = SELF;
	p->parent_number = 0;
	p->fork = number;
	p->start_ns = segment_now_ns;
	f->child = fake_thread(&f->s, slot, slot, NOBODY + slot);
	return ask(f, &f->child, slot, SHM_ASK_MEMORY, SHM_ALL_DOMAINS);
}

static void answered(const struct family *f, uint32_t entry, int result, uint64_t bytes)
{
	const struct shm_question *const q = &f->s.shm->questions.entries[entry];

	assert_int_equal(SHM_QUESTION_STATE(q->state), SHM_QUESTION_ANSWERED);
	assert_int_equal(q->result, result);
	if (result == TRACKER_OK)
		assert_int_equal(q->figures[0], bytes);
}

static void waits(const struct family *f, uint32_t entry)
{
	assert_int_equal(SHM_QUESTION_STATE(f->s.shm->questions.entries[entry].state), SHM_QUESTION_CLAIMED);
}

/* Each of three children has what came before its fork; all come when the parent has gone on. */
static void a_child_has_what_was_there_at_its_fork(void **state)
{
	struct family f = begin();
	uint32_t q[3];

	ask(&f, &f.parent, 0, SHM_ASK_START, 3);
	fake_malloc(&f.s, &f.parent, 1, 0x1000, 100);
	tell_fork(&f, WIRE_FORK, 1);
	fake_malloc(&f.s, &f.parent, 1, 0x2000, 20);
	tell_fork(&f, WIRE_FORK, 2);
	fake_free(&f.s, &f.parent, 1, 0x1000);
	fake_malloc(&f.s, &f.parent, 1, 0x3000, 3);
	segment_round(&f.s);
	q[0] = come(&f, 1, 2);
	q[1] = come(&f, 2, 1);
	q[2] = come(&f, 3, 0); /* nothing was traced when it was forked */
	segment_round(&f.s);
	answered(&f, q[0], TRACKER_OK, 120);
	answered(&f, q[1], TRACKER_OK, 100);
	answered(&f, q[2], TRACKER_EDISABLED, 0);
	segment_free(&f.s);
}

/* Its parent's events up to the fork are not there yet: it waits for them, and all that came after it wait, too. */
static void a_child_waits_for_its_fork(void **state)
{
	struct family f = begin();
	uint32_t first, second;

	ask(&f, &f.parent, 0, SHM_ASK_START, 3);
	segment_round(&f.s);
	first = come(&f, 1, 1);
	second = come(&f, 2, 0);
	segment_round(&f.s);
	waits(&f, first);
	waits(&f, second);
	fake_malloc(&f.s, &f.parent, 1, 0x1000, 100);
	tell_fork(&f, WIRE_FORK, 1);
	fake_free(&f.s, &f.parent, 1, 0x1000);
	segment_round(&f.s);
	answered(&f, first, TRACKER_OK, 100);
	answered(&f, second, TRACKER_EDISABLED, 0);
	segment_free(&f.s);
}

/* A record that was lost is not waited for for ever; nor is one when the recording is over. Then it has what its parent has. */
static void it_does_not_wait_for_what_was_lost(void **state)
{
	for (int over = 0; over < 2; over++) {
		struct family f = begin();
		uint32_t q;

		ask(&f, &f.parent, 0, SHM_ASK_START, 3);
		fake_malloc(&f.s, &f.parent, 1, 0x1000, 100);
		segment_round(&f.s);
		q = come(&f, 1, 7);
		segment_round(&f.s);
		waits(&f, q);
		if (over)
			f.s.shm->header.closed = 1;
		else
			segment_now_ns += 2000000000ull;
		for (int i = 0; i < (over ? 1 : 10); i++)
			segment_round(&f.s);
		answered(&f, q, TRACKER_OK, 100);
		assert_int_equal(f.s.r->counters.inherited_late, 1);
		segment_free(&f.s);
	}
}

/*
 * The time at which the child says that it began is its own, and any. A recorder that was stopped for an hour has read nothing meanwhile: it
 * does not give up in its first round.
 */
static void how_long_it_waits_is_the_recorders_clock(void **state)
{
	static const int64_t starts[] = { -3000000000, 0, 1000000000000000 };

	for (size_t i = 0; i < sizeof(starts) / sizeof(*starts); i++) {
		struct family f = begin();
		uint32_t q;

		segment_now_ns = 5000000000ull;
		ask(&f, &f.parent, 0, SHM_ASK_START, 3);
		fake_malloc(&f.s, &f.parent, 1, 0x1000, 100);
		segment_round(&f.s);
		q = come(&f, 1, 7);
		f.s.shm->processes[1].start_ns = (uint64_t)((int64_t)segment_now_ns + starts[i]);
		segment_round(&f.s);
		waits(&f, q);
		segment_now_ns += 3600000000000ull;
		segment_round(&f.s);
		waits(&f, q);
		for (int round = 0; round < 10; round++)
			segment_round(&f.s);
		answered(&f, q, TRACKER_OK, 100);
		segment_free(&f.s);
	}
}

/* A fork whose copy is not kept any more, and one that comes in a recording that reads no more: nothing is waited for. */
static void what_has_passed_is_not_waited_for(void **state)
{
	for (int full = 0; full < 2; full++) {
		struct family f = begin();
		uint32_t q;

		ask(&f, &f.parent, 0, SHM_ASK_START, 3);
		fake_malloc(&f.s, &f.parent, 1, 0x1000, 100);
		for (uint32_t i = 1; i <= 300; i++)
			tell_fork(&f, WIRE_FORK, i);
		segment_round(&f.s);
		f.s.r->bounds.full = full;
		q = come(&f, 1, full ? 1000 : 2);
		segment_round(&f.s);
		/* bound; or found dead by now, as nobody has its pid */
		assert_true(f.s.r->slot_process[1] || f.s.shm->process_states[1] != SHM_LIVE);
		f.s.r->bounds.full = false;
		segment_round(&f.s);
		if (!full)
			answered(&f, q, TRACKER_OK, 100);
		segment_free(&f.s);
	}
}

static void tell_of(struct family *f, struct fake_thread *t, uint8_t kind, uint32_t number)
{
	fake_begin_rare(&f->s, t, kind, 1, false);
	t->at = put_varint(t->at, number);
	fake_publish(&f->s, t);
}

/* A number that is told twice, or by a process that is not the parent, changes nothing of what a child inherits. */
static void only_the_parent_tells_of_its_forks(void **state)
{
	struct family f = begin();
	struct fake_thread stranger;
	uint32_t q[3];

	fake_process(&f.s, 9, (uint32_t)getppid(), SHM_ATTACHED); /* one that does not end meanwhile */
	stranger = fake_thread(&f.s, 9, 9, (uint32_t)getppid());
	for (uint32_t i = 1; i <= 2; i++)
		tell_of(&f, &stranger, WIRE_FORK, i);
	segment_round(&f.s);
	ask(&f, &f.parent, 0, SHM_ASK_START, 3);
	fake_malloc(&f.s, &f.parent, 1, 0x1000, 100);
	tell_fork(&f, WIRE_FORK, 1);
	tell_fork(&f, WIRE_FORK, 2);
	segment_round(&f.s);
	tell_of(&f, &stranger, WIRE_FORK_FAILED, 1);
	fake_malloc(&f.s, &f.parent, 1, 0x2000, 20);
	tell_fork(&f, WIRE_FORK, 2);
	tell_fork(&f, WIRE_FORK, 3);
	segment_round(&f.s);
	q[0] = come(&f, 1, 1);
	q[1] = come(&f, 2, 2);
	q[2] = come(&f, 3, 3);
	segment_round(&f.s);
	answered(&f, q[0], TRACKER_OK, 100);
	answered(&f, q[1], TRACKER_OK, 100);
	answered(&f, q[2], TRACKER_OK, 120);
	segment_free(&f.s);
}

/* What is kept for a child that never comes is given back after some time, and soon after its parent's end: who comes then comes too late. */
static void copies_are_not_kept_for_ever(void **state)
{
	static const struct {
		uint64_t ms, bytes;
		bool ended;
	} cases[] = { { 9000, 100, false }, { 11000, 120, false }, { 2500, 100, true }, { 3500, 120, true } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct family f = begin();
		uint32_t q;

		ask(&f, &f.parent, 0, SHM_ASK_START, 3);
		fake_malloc(&f.s, &f.parent, 1, 0x1000, 100);
		tell_fork(&f, WIRE_FORK, 1);
		fake_malloc(&f.s, &f.parent, 1, 0x2000, 20);
		segment_round(&f.s);
		if (cases[i].ended)
			forks_parent_ended(f.s.r, f.s.r->slot_process[0]);
		segment_now_ns += cases[i].ms * 1000000;
		segment_round(&f.s);
		q = come(&f, 1, 1);
		segment_round(&f.s);
		answered(&f, q, TRACKER_OK, cases[i].bytes);
		assert_int_equal(f.s.r->counters.inherited_late, cases[i].bytes == 120);
		segment_free(&f.s);
	}
}

/* A program with many blocks that forks again and again: the youngest copies stay, and who comes too late is counted. */
static void all_copies_together_are_bounded(void **state)
{
	struct family f = begin();
	uint32_t q[2];

	ask(&f, &f.parent, 0, SHM_ASK_START, 3);
	for (uint32_t i = 1; i <= 50000; i++)
		fake_malloc(&f.s, &f.parent, 1, (uint64_t)i << 12, 10);
	segment_round(&f.s);
	for (uint32_t i = 1; i <= 100; i++)
		tell_fork(&f, WIRE_FORK, i);
	fake_malloc(&f.s, &f.parent, 1, 0x7000000000, 1);
	segment_round(&f.s);
	q[0] = come(&f, 1, 61); /* 40 copies have two million blocks */
	q[1] = come(&f, 2, 50);
	segment_round(&f.s);
	answered(&f, q[0], TRACKER_OK, 500000);
	answered(&f, q[1], TRACKER_OK, 500001);
	assert_int_equal(f.s.r->counters.inherited_late, 1);
	segment_free(&f.s);
}

/* A fork of which no hook knows; one whose process thinks that it failed; numbers that mean nothing. */
static void forks_of_other_kinds(void **state)
{
	struct family f = begin();
	uint32_t q[2];

	ask(&f, &f.parent, 0, SHM_ASK_START, 3);
	fake_malloc(&f.s, &f.parent, 1, 0x1000, 100);
	tell_fork(&f, WIRE_FORK, 1);
	tell_fork(&f, WIRE_FORK_FAILED, 1);
	tell_fork(&f, WIRE_FORK_FAILED, 99);
	tell_fork(&f, WIRE_FORK, 0);
	tell_fork(&f, WIRE_FORK_FAILED, 0);
	tell_fork(&f, WIRE_FORK, SHM_FORK_UNSEEN);
	fake_malloc(&f.s, &f.parent, 1, 0x2000, 20);
	segment_round(&f.s);
	q[0] = come(&f, 1, SHM_FORK_UNSEEN);
	q[1] = come(&f, 2, 1);
	segment_round(&f.s);
	answered(&f, q[0], TRACKER_OK, 120);
	answered(&f, q[1], TRACKER_OK, 100);
	segment_free(&f.s);
}

/* More children than are kept for, none of which comes: what is kept stays bounded, and the youngest is right. */
static void what_nobody_comes_for_is_dropped(void **state)
{
	struct family f = begin();
	uint32_t q;

	ask(&f, &f.parent, 0, SHM_ASK_START, 3);
	for (uint32_t i = 1; i <= 2000; i++) {
		fake_malloc(&f.s, &f.parent, 1, (uint64_t)i << 12, 10);
		tell_fork(&f, WIRE_FORK, i);
		if (i % 100 == 0)
			segment_round(&f.s);
	}
	q = come(&f, 1, 1990);
	segment_round(&f.s);
	answered(&f, q, TRACKER_OK, 19900);
	segment_free(&f.s);
}

/*
 * A thread starts, then its process forks; both while a round runs. The round sees the child, the next one the thread. The thread
 * was there first: that is how a reader knows that a process with several threads has forked.
 */
static void who_starts_during_a_round_keeps_the_order(void **state)
{
	struct segment s = segment_new();
	struct fake_thread main_thread, child, late;

	fake_process(&s, 0, SELF, SHM_ATTACHED);
	main_thread = fake_thread(&s, 0, 0, SELF);
	fake_malloc(&s, &main_thread, 1, 0x1000, 8);
	segment_round(&s);
	segment_tick_ns = 1000000; /* from now on, time passes within rounds */
	fake_process(&s, 1, NOBODY + 1, SHM_FORKED);
	s.shm->processes[1].start_ns = segment_now_ns + 2000000 + 2000;
	child = fake_thread(&s, 1, 1, NOBODY + 1);
	fake_malloc(&s, &child, 1, 0x2000, 8);
	segment_round(&s);
	assert_int_equal(s.r->process_count, 2);
	late = fake_thread(&s, 2, 0, SELF + 1);
	s.shm->threads[2].start_ns = s.shm->processes[1].start_ns - 1000;
	fake_malloc(&s, &late, 2, 0x3000, 8);
	segment_round(&s);
	assert_non_null(s.r->slot_stream[2]);
	assert_true(s.r->slot_stream[2]->start_ns < s.r->processes[1]->start_ns);
	segment_free(&s);
}

/* What the kernel would write. */
static void kernel_tells(int socket, struct proc_event e)
{
	uint8_t bytes[NLMSG_HDRLEN + sizeof(struct cn_msg) + sizeof(e)] = { 0 };

	memcpy(bytes + sizeof(bytes) - sizeof(e), &e, sizeof(e));
	assert_int_equal(send(socket, bytes, sizeof(bytes), 0), sizeof(bytes));
}

/* A child that waits for its fork has executed a program, which is over. Both have attached, so nothing is missing, however long they wait. */
static void who_waits_is_not_missing(void **state)
{
	struct family f = begin();
	const uint32_t child = NOBODY + 1;
	int kernel[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, kernel), 0);
	births_begin(f.s.r, kernel[0]);
	ask(&f, &f.parent, 0, SHM_ASK_START, 3);
	segment_round(&f.s);
	kernel_tells(kernel[1], (struct proc_event){ .what = PROC_EVENT_FORK, .event_data.fork = { (int)SELF, (int)SELF, (int)child, (int)child } });
	kernel_tells(kernel[1], (struct proc_event){ .what = PROC_EVENT_EXEC, .event_data.exec = { (int)child, (int)child } });
	come(&f, 1, 1);
	fake_process(&f.s, 2, child, SHM_ATTACHED);
	fake_thread(&f.s, 2, 2, child);
	for (int round = 0; round < 5; round++) {
		segment_round(&f.s);
		assert_int_equal(f.s.r->process_count, 1);
		assert_int_equal(f.s.r->counters.unrecorded, 0);
	}
	tell_fork(&f, WIRE_FORK, 1);
	for (int round = 0; round < 5; round++)
		segment_round(&f.s);
	assert_int_equal(f.s.r->process_count, 2);
	assert_int_equal(f.s.r->processes[1]->execs, 1);
	assert_int_equal(f.s.r->counters.unrecorded, 0);
	segment_free(&f.s);
	close(kernel[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_has_what_was_there_at_its_fork),
		cmocka_unit_test(a_child_waits_for_its_fork),
		cmocka_unit_test(it_does_not_wait_for_what_was_lost),
		cmocka_unit_test(how_long_it_waits_is_the_recorders_clock),
		cmocka_unit_test(what_has_passed_is_not_waited_for),
		cmocka_unit_test(only_the_parent_tells_of_its_forks),
		cmocka_unit_test(copies_are_not_kept_for_ever),
		cmocka_unit_test(all_copies_together_are_bounded),
		cmocka_unit_test(forks_of_other_kinds),
		cmocka_unit_test(what_nobody_comes_for_is_dropped),
		cmocka_unit_test(who_starts_during_a_round_keeps_the_order),
		cmocka_unit_test(who_waits_is_not_missing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
