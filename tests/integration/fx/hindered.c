/*
 * hindered - does what keeps its memory from being looked at in the usual way, loses a block of 2,222 B, keeps one of 5,555 B, and ends.
 *
 * usage: hindered leader | seccomp | processes | space | traced | vfork | threads | forks | exec | left
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libtracker/tracker.h"

#define THREADS 1000

static void *volatile kept;

static void stop_with(const char *what)
{
	perror(what);
	exit(1);
}

__attribute__((noinline)) static void lose(size_t size)
{
	volatile char *volatile p = malloc(size);

	p[0] = 1;
	p = NULL;
}

__attribute__((noinline)) static void clear_stack(void)
{
	volatile char room[8192];

	for (size_t i = 0; i < sizeof(room); i++)
		room[i] = 0;
}

static void seccomp(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	const struct sock_fprog all = { 1, &allow };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &all, 0, 0))
		stop_with("seccomp");
}

/* No process more. Root may always have more, so it becomes somebody else. */
static void processes(void)
{
	const struct rlimit none = { 0, 0 };

	if (geteuid() == 0 && setresuid(65534, 65534, 65534))
		stop_with("setresuid");
	if (setrlimit(RLIMIT_NPROC, &none) || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
		stop_with("setrlimit");
}

static void space(void)
{
	const struct rlimit little = { 1 << 20, 1 << 20 };

	if (setrlimit(RLIMIT_AS, &little))
		stop_with("setrlimit");
}

/* A child traces it, as a debugger does. */
static void traced(void)
{
	const pid_t parent = getpid();
	int ready[2], status;
	char byte;
	pid_t pid;

	if (pipe(ready))
		stop_with("pipe");
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0); /* Yama lets only ancestors trace; without Yama this fails */
	pid = fork();
	if (pid == 0) {
		if (ptrace(PTRACE_SEIZE, parent, 0, 0))
			stop_with("ptrace");
		(void)!write(ready[1], "x", 1);
		while (waitpid(parent, &status, __WALL) == parent && WIFSTOPPED(status))
			ptrace(PTRACE_CONT, parent, 0, status >> 16 ? 0 : WSTOPSIG(status));
		_exit(0);
	}
	close(ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		stop_with("read");
}

static volatile pid_t vforking;

static void *in_vfork(void *unused)
{
	vforking = gettid();
	if (vfork() == 0) {
		usleep(3000000);
		_exit(0);
	}
	return NULL;
}

/* The state of a thread of this process, as /proc has it. */
static char state_of(pid_t tid)
{
	char path[64], state = '?';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	f = fopen(path, "r");
	if (f) {
		if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
			state = '?';
		fclose(f);
	}
	return state;
}

/* Until the kernel makes the thread wait for its child. */
static void vforks(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, in_vfork, NULL))
		stop_with("pthread_create");
	while (!vforking || state_of(vforking) != 'D')
		usleep(1000);
}

static pthread_barrier_t ready;

/* Only its stack holds the block. */
static void *holds(void *unused)
{
	void *volatile block = malloc(777);

	pthread_barrier_wait(&ready);
	for (;;)
		pause();
	return block;
}

static void threads(void)
{
	pthread_attr_t small;
	pthread_t t;

	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 64 << 10);
	pthread_barrier_init(&ready, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&t, &small, holds, NULL))
			stop_with("pthread_create");
	pthread_barrier_wait(&ready);
}

static void *ends(void *unused)
{
	usleep(200000);
	clear_stack();
	exit(0);
	return unused;
}

/* The first thread ends, and stays as a zombie that nobody can trace until the other one has ended. */
static void leader(void)
{
	pthread_t t;

	if (pthread_create(&t, NULL, ends, NULL))
		stop_with("pthread_create");
	pthread_exit(NULL);
}

/* A child and its child, which lose their own. */
static void forks(void)
{
	for (int i = 0; i < 2; i++) {
		const pid_t pid = fork();

		if (pid == 0) {
			lose(3333 + (size_t)i);
			clear_stack();
			exit(0);
		}
		waitpid(pid, NULL, 0);
	}
}

static void *executes(void *path)
{
	usleep(50000);
	execl(path, path, "left", NULL);
	return NULL;
}

/* It executes another program while it is looked at again and again. */
static void exec(const char *path)
{
	pthread_t t;

	for (int i = 0; i < 100000; i++)
		lose(100);
	pthread_create(&t, NULL, executes, (void *)path);
	for (;;)
		tracker_leak_check("again", NULL);
}

/* Whether there is one, until there is none; at most 10 s. It is left where it is. */
static void left(void)
{
	bool found = true;

	for (int i = 0; found && i < 1000; i++) {
		siginfo_t one;

		usleep(10000);
		found = waitid(P_ALL, 0, &one, WEXITED | WNOHANG | WNOWAIT | __WALL) >= 0 || errno != ECHILD;
	}
	printf("%d children to wait for\n", found);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*function)(void);
	} all[] = { { "leader", leader }, { "seccomp", seccomp }, { "processes", processes }, { "space", space }, { "traced", traced }, { "vfork", vforks }, { "threads", threads }, { "forks", forks }, { "left", left } };

	kept = malloc(5555);
	lose(2222);
	clear_stack();
	if (!strcmp(argv[1], "exec"))
		exec(argv[0]);
	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++)
		if (!strcmp(argv[1], all[i].name))
			all[i].function();
	clear_stack();
	return 0;
}
