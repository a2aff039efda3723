/*
 * borrow_finish: a thread that was told to stop, and did not in time, is let go as if nobody had looked at it: the call that it was
 * waiting in is made once more. A parent in vfork does not stop at all; it is waited for a second, and left alone.
 */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tools/attach/borrow.h"

#define GOOD 7
#define FAILED 8

static void sleep_ms(long ms)
{
	const struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

/* It waits for a byte, and for nothing else. */
static _Noreturn void wait_for_byte(int fd)
{
	struct epoll_event e = { .events = EPOLLIN };
	const int set = epoll_create1(EPOLL_CLOEXEC);

	if (epoll_ctl(set, EPOLL_CTL_ADD, fd, &e) != 0)
		_exit(1);
	_exit(epoll_wait(set, &e, 1, -1) == 1 ? GOOD : FAILED);
}

/* Its child ends when it reads a byte, and until then it stands in vfork. */
static _Noreturn void wait_in_vfork(int fd)
{
	char c;
	const pid_t child = vfork();

	if (child == 0)
		_exit(read(fd, &c, 1) == 1 ? 0 : 1);
	_exit(child > 0 && waitpid(child, NULL, 0) == child ? GOOD : FAILED);
}

struct program {
	pid_t pid;
	int to;
	struct target target;
	struct borrow borrow;
};

/* In a state of that letter, it was told to stop, and nobody has waited for that. */
static void begin(struct program *p, void (*work)(int fd), char in)
{
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	p->pid = fork();
	if (p->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[1]);
		work(ends[0]);
	}
	close(ends[0]);
	p->to = ends[1];
	while (target_state(p->pid, p->pid) != in)
		sleep_ms(1);
	target_begin(&p->target, p->pid);
	p->borrow = (struct borrow){ .target = &p->target, .waiting = { p->pid } };
	assert_int_equal(ptrace(PTRACE_SEIZE, p->pid, 0, PTRACE_O_TRACESYSGOOD), 0);
	assert_int_equal(ptrace(PTRACE_INTERRUPT, p->pid, 0, 0), 0);
}

static void check_end(struct program *p, int status)
{
	int got;

	(void)!write(p->to, "x", 1); /* it may have ended */
	close(p->to);
	assert_int_equal(waitpid(p->pid, &got, __WALL), p->pid);
	assert_true(WIFEXITED(got));
	assert_int_equal(WEXITSTATUS(got), status);
}

static void check_free(const struct program *p)
{
	uint64_t tracer = 1;

	assert_true(target_status(p->pid, p->pid, "TracerPid:", 10, &tracer));
	assert_int_equal(tracer, 0);
}

static void test_call_is_made_again(void **unused)
{
	struct program p;

	(void)unused;
	begin(&p, wait_for_byte, 'S');
	borrow_finish(&p.borrow);
	check_free(&p);
	assert_int_equal(p.borrow.waiting[0], 0);
	sleep_ms(20); /* it may be on its way */
	check_end(&p, GOOD);
}

/* What the kernel does without that, so that the test before this one means something. */
static void test_call_fails_otherwise(void **unused)
{
	struct program p;
	int status;

	(void)unused;
	begin(&p, wait_for_byte, 'S');
	assert_int_equal(waitpid(p.pid, &status, __WALL), p.pid);
	assert_int_equal(ptrace(PTRACE_DETACH, p.pid, 0, 0), 0);
	while (target_state(p.pid, p.pid) != 'Z')
		sleep_ms(1);
	check_end(&p, FAILED);
}

/* It is not taken for one that has stopped, and it is not waited for longer than that. */
static void test_vfork_is_left_alone(void **unused)
{
	struct program p;
	int status;

	(void)unused;
	begin(&p, wait_in_vfork, 'D');
	borrow_finish(&p.borrow);
	assert_int_equal(p.borrow.waiting[0], p.pid);
	assert_int_equal(write(p.to, "x", 1), 1);
	assert_int_equal(waitpid(p.pid, &status, __WALL), p.pid);
	assert_true(WIFSTOPPED(status)); /* now it has */
	assert_int_equal(ptrace(PTRACE_DETACH, p.pid, 0, 0), 0);
	check_end(&p, GOOD);
}

/* ... and if it stops within that time, it goes on. */
static void test_vfork_ends_meanwhile(void **unused)
{
	struct program p;
	pid_t later;

	(void)unused;
	begin(&p, wait_in_vfork, 'D');
	later = fork();
	if (later == 0) {
		sleep_ms(200);
		_exit(write(p.to, "x", 1) == 1 ? 0 : 1);
	}
	borrow_finish(&p.borrow);
	assert_int_equal(waitpid(later, NULL, 0), later);
	assert_int_equal(p.borrow.waiting[0], 0);
	check_end(&p, GOOD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_call_is_made_again),
		cmocka_unit_test(test_call_fails_otherwise),
		cmocka_unit_test(test_vfork_is_left_alone),
		cmocka_unit_test(test_vfork_ends_meanwhile),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
