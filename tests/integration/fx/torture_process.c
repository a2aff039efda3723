/*
 * torture_process MODE - ways to a second process or program that a library in both of them
 * must not notice too late. A child's sizes are not its parent's (2001, 2002, ...).
 */
#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "modes.h"

static char *self;
static int depth; /* of the chain of execs */

static void reap(pid_t pid, int wanted)
{
	int status = 0;

	must(pid > 0 && waitpid(pid, &status, 0) == pid, "waitpid");
	must(status == wanted, "the child's status");
}

/* fork without its handlers, in a library's way and in the kernel's. */
static void mode_bare_fork(void)
{
	for (int i = 0; i < 20; i++) {
		const pid_t pid = i % 2 ? _Fork() : (pid_t)syscall(SYS_fork);

		if (pid == 0) {
			churn(2001, 10);
			_exit(0);
		}
		churn(1001, 100);
		reap(pid, 0);
	}
	truth_churn(1001, 2000);
	truth_churn(2001, 200);
}

static void storm_child(void)
{
	const pid_t pid = fork();

	churn(pid ? 2001 : 2002, 10);
	if (pid == 0)
		_exit(0);
	reap(pid, 0);
	_exit(0);
}

/* 25 children at a time, each with one of its own. */
static void mode_storm(void)
{
	enum { ROUNDS = 8, ABREAST = 25 };
	pid_t pids[ABREAST];

	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < ABREAST; i++) {
			pids[i] = fork();
			if (pids[i] == 0)
				storm_child();
			churn(1001, 10);
		}
		for (int i = 0; i < ABREAST; i++)
			reap(pids[i], 0);
	}
	truth_churn(1001, ROUNDS * ABREAST * 10);
	truth_churn(2001, ROUNDS * ABREAST * 10);
	truth_churn(2002, ROUNDS * ABREAST * 10);
}

static void prepare(void) { churn(1003, 2); }
static void in_parent(void) { churn(1004, 3); }
static void in_child(void) { churn(2005, 4); }

/* Handlers of fork that allocate, before and after those that others have. */
static void mode_atfork(void)
{
	must(pthread_atfork(prepare, in_parent, in_child) == 0, "pthread_atfork");
	for (int i = 0; i < 20; i++) {
		const pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		reap(pid, 0);
	}
	truth_churn(1003, 40);
	truth_churn(1004, 60);
	truth_churn(2005, 80);
}

static volatile int stop;

static void *busy(void *unused)
{
	for (int i = 0; i < 100000 && !stop; i++)
		churn(4001, 1);
	return unused;
}

static void *little(void *unused)
{
	churn(2002, 5);
	return unused;
}

static void *forker(void *unused)
{
	for (int i = 0; i < 10; i++) {
		const pid_t pid = fork();
		pthread_t t;

		if (pid == 0) {
			churn(2001, 10);
			must(!pthread_create(&t, NULL, little, NULL), "pthread_create in the child");
			pthread_join(t, NULL);
			pthread_exit(NULL); /* the last thread: the process ends */
		}
		reap(pid, 0);
	}
	return unused;
}

/* Threads fork, while others allocate; what was a thread is then its child's first one. */
static void mode_thread_fork(void)
{
	pthread_t threads[4];

	for (int i = 0; i < 4; i++)
		must(!pthread_create(&threads[i], NULL, i < 2 ? forker : busy, NULL), "pthread_create");
	for (int i = 0; i < 4; i++) {
		stop = i >= 2;
		pthread_join(threads[i], NULL);
	}
	truth_churn(2001, 200);
	truth_churn(2002, 100);
}

static void *executor(void *unused)
{
	churn(1002, 10);
	execl(self, self, "executed", (char *)NULL);
	must(0, "execl");
	return unused;
}

/* exec in another thread than the first, while the others are in the middle of malloc. */
static void mode_thread_exec(void)
{
	pthread_t t;

	truth("malloc", 1001, 1);
	truth_churn(1002, 10);
	keep(malloc(1001));
	for (int i = 0; i < 2; i++)
		must(!pthread_create(&t, NULL, busy, NULL), "pthread_create");
	must(!pthread_create(&t, NULL, executor, NULL), "pthread_create");
	for (;;)
		busy(NULL);
}

static void mode_executed(void)
{
	churn(1003, 10);
	truth_churn(1003, 10);
}

/* Twenty programs in one process. */
static void mode_chain(void)
{
	char text[16];

	churn((size_t)(2001 + depth), 5);
	keep(malloc(1001));
	truth_churn((unsigned long)(2001 + depth), 5);
	truth("malloc", 1001, 1);
	if (depth < 20) {
		snprintf(text, sizeof(text), "%d", depth + 1);
		execl(self, self, "chain", text, (char *)NULL);
		must(0, "execl");
	}
	truth_leaked(1001, 1);
}

/* An exec that fails changes nothing: not here, not in a vfork child that is its parent. */
static void mode_exec_fails(void)
{
	for (int i = 0; i < 10; i++) {
		const pid_t pid = vfork();

		if (pid == 0) {
			execl("/nonexistent", "none", (char *)NULL);
			_exit(1);
		}
		reap(pid, 1 << 8);
		must(execl("/nonexistent", "none", (char *)NULL) < 0 && errno == ENOENT, "exec of nothing");
		churn(1001, 10);
	}
	truth_churn(1001, 100);
}

static void mode_spawned(void)
{
	churn(2001, 10);
	truth_churn(2001, 10);
}

/* posix_spawn with everything that it can be told; popen and system beside it. */
static void mode_spawn(void)
{
	char *const arguments[] = { self, (char *)"spawned", NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t how;
	sigset_t all;
	pid_t pid;

	sigfillset(&all);
	must(!posix_spawn_file_actions_init(&actions) && !posix_spawnattr_init(&how), "posix_spawnattr_init");
	must(!posix_spawn_file_actions_addclosefrom_np(&actions, 3), "closefrom");
	must(!posix_spawn_file_actions_addchdir_np(&actions, "/"), "chdir");
	must(!posix_spawnattr_setsigdefault(&how, &all) && !posix_spawnattr_setsigmask(&how, &all), "signals");
	must(!posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP),
	     "posix_spawnattr_setflags");
	for (int i = 0; i < 5; i++) {
		must(!posix_spawn(&pid, self, &actions, &how, arguments, environ), "posix_spawn");
		churn(1001, 10);
		reap(pid, 0);
	}
	posix_spawnattr_destroy(&how);
	posix_spawn_file_actions_destroy(&actions);
	truth_churn(1001, 50);
}

static int clone_body(void *unused)
{
	(void)unused;
	churn(1003, 20);
	return 0;
}

/* clone as a library would call it: with memory of its own (fork), or on ours. */
static void mode_clone(void)
{
	static const int flags[] = { SIGCHLD, CLONE_VM | CLONE_VFORK | SIGCHLD, CLONE_VM | SIGCHLD,
				     CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | SIGCHLD };
	const size_t room = 256 << 10;
	char *const stack = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < 40; i++) {
		reap(clone(clone_body, stack + room, flags[i % 4], NULL), 0);
		churn(1001, 10);
	}
	truth_churn(1001, 400);
	truth_churn(1003, 800);
}

/* A child that is killed in the middle of its work: all it did before is there. */
static void mode_killed_child(void)
{
	for (int i = 0; i < 10; i++) {
		int ends[2];
		char byte;

		must(pipe(ends) == 0, "pipe");
		const pid_t pid = fork();

		if (pid == 0) {
			churn(2001, 100);
			keep(malloc(2002));
			must(write(ends[1], "x", 1) == 1, "the child's word");
			for (;;)
				pause();
		}
		must(read(ends[0], &byte, 1) == 1, "the child's word");
		kill(pid, SIGKILL);
		reap(pid, SIGKILL);
		close(ends[0]);
		close(ends[1]);
	}
	truth_churn(2001, 1000);
	truth("malloc", 2002, 10);
	truth_leaked(2002, 10);
}

/* The kernel gives a pid again; where we may not ask for one, it is merely another child. */
static void mode_same_pid(void)
{
	pid_t wanted = 0;

	for (int i = 0; i < 5; i++) {
		struct clone_args how = { .exit_signal = SIGCHLD, .set_tid = wanted ? (__u64)(uintptr_t)&wanted : 0,
					  .set_tid_size = wanted ? 1 : 0 };
		pid_t pid = (pid_t)syscall(SYS_clone3, &how, sizeof(how));

		if (pid < 0) {
			without("the same pid again");
			pid = fork();
		}
		if (pid == 0) {
			churn((size_t)(2001 + i), 10);
			keep(malloc(2010));
			_exit(0);
		}
		reap(pid, 0);
		wanted = pid;
		truth_churn((unsigned long)(2001 + i), 10);
	}
	truth("malloc", 2010, 5);
	truth_leaked(2010, 5);
}

/* Children that are pid 1 in a namespace of their own, and have children there. */
static void mode_namespace(void)
{
	for (int i = 0; i < 3; i++) {
		const pid_t pid = fork();

		if (pid == 0) {
			if (unshare(CLONE_NEWPID) != 0)
				without("a PID namespace");
			const pid_t first = fork();

			if (first == 0)
				storm_child();
			churn(2003, 10);
			reap(first, 0);
			_exit(0);
		}
		reap(pid, 0);
	}
	truth_churn(2001, 30);
	truth_churn(2002, 30);
	truth_churn(2003, 30);
}

/* The C library's daemon(): the first process is over at once, the session is left. */
static void mode_daemon(void)
{
	int ends[2];
	char byte;

	must(pipe(ends) == 0, "pipe");
	const pid_t pid = fork();

	if (pid == 0) {
		must(daemon(1, 1) == 0, "daemon");
		churn(2001, 100);
		must(write(ends[1], "x", 1) == 1, "the daemon's word");
		_exit(0);
	}
	reap(pid, 0);
	must(read(ends[0], &byte, 1) == 1, "the daemon's word");
	churn(1001, 10);
	truth_churn(1001, 10);
	truth_churn(2001, 100);
}

/* A child without any descriptor, or in its own session with other credentials. */
static void mode_stripped(void)
{
	for (int i = 0; i < 10; i++) {
		const pid_t pid = fork();

		if (pid == 0) {
			closefrom(0);
			setsid();
			prctl(PR_SET_DUMPABLE, 0);
			churn(2001, 10);
			_exit(0);
		}
		reap(pid, 0);
	}
	truth_churn(2001, 100);
}

static const struct mode modes[] = {
	MODE(bare_fork), MODE(storm), MODE(atfork), MODE(thread_fork), MODE(thread_exec), MODE(executed),
	MODE(chain), MODE(exec_fails), MODE(spawn), MODE(spawned), MODE(clone), MODE(killed_child),
	MODE(same_pid), MODE(namespace), MODE(daemon), MODE(stripped),
};

int main(int argc, char **argv)
{
	self = argv[0];
	depth = argc > 2 ? atoi(argv[2]) : 0;
	return RUN_MODE(argc, argv, modes);
}
