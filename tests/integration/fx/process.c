/*
 * process MODE - the ways to a second process. Every process states its own
 * truth; a child allocates sizes that its parent does not.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "truth.h"

static char *self;

static void reap(pid_t pid)
{
	int status = 0;

	must(pid > 0 && waitpid(pid, &status, 0) == pid, "waitpid");
	must(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child's status");
}

/* What every child does: its own sizes, counted by `number`. */
static void child(int number)
{
	churn((size_t)(2000 + number), 10 * number);
	truth_churn((size_t)(2000 + number), (unsigned long)(10 * number));
}

static void mode_fork(void)
{
	churn(1001, 100);
	for (int i = 1; i <= 3; i++) {
		const pid_t pid = fork();

		if (pid == 0) {
			child(i);
			exit(0);
		}
		reap(pid);
	}
	churn(1001, 100);
	truth_churn(1001, 200);
}

/* No atfork handler runs here; the child must still not write into its parent's record. */
static void mode_raw_fork(void)
{
	churn(1001, 100);
	for (int i = 1; i <= 20; i++) {
		const pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);

		if (pid == 0) {
			child(i);
			syscall(SYS_exit_group, 0);
		}
		churn(1001, 100);
		reap(pid);
	}
	truth_churn(1001, 2100);
}

static volatile int stop;

static void *busy(void *unused)
{
	while (!stop) { /* most of the time between calls, or a slow machine has millions of events to compare */
		churn(1002, 100);
		usleep(300);
	}
	return unused;
}

static void *child_thread(void *unused)
{
	churn(2050, 50);
	return unused;
}

/* Fork while other threads allocate; the child starts a thread of its own. */
static void mode_threaded_fork(void)
{
	pthread_t threads[2], t;

	for (int i = 0; i < 2; i++)
		must(!pthread_create(&threads[i], NULL, busy, NULL), "pthread_create");
	for (int i = 1; i <= 10; i++) {
		const pid_t pid = fork();

		if (pid == 0) {
			must(!pthread_create(&t, NULL, child_thread, NULL), "pthread_create in the child");
			pthread_join(t, NULL);
			_exit(0);
		}
		reap(pid);
	}
	stop = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	truth_churn(2050, 500);
}

/* The child of vfork runs on its parent's memory: its events are the parent's. */
static void mode_vfork(void)
{
	for (int i = 0; i < 5; i++) {
		const pid_t pid = vfork();

		if (pid == 0) {
			free(keep(malloc(1003)));
			execl("/bin/true", "true", (char *)NULL);
			_exit(1);
		}
		reap(pid);
	}
	churn(1001, 10);
	truth_churn(1001, 10);
	truth_churn(1003, 5);
}

static void mode_spawn(void)
{
	char *const arguments[] = { (char *)"true", NULL };
	char line[16] = "";
	pid_t pid;

	churn(1001, 10);
	must(posix_spawn(&pid, "/bin/true", NULL, NULL, arguments, environ) == 0, "posix_spawn");
	reap(pid);
	must(system("exit 0") == 0, "system");
	FILE *const f = popen("echo hello", "r");

	must(f && fgets(line, sizeof(line), f) && !strcmp(line, "hello\n"), "popen");
	must(pclose(f) == 0, "pclose");
	churn(1001, 10);
	truth_churn(1001, 20);
}

/* Three programs in one process; what was live before an exec is gone, not leaked. */
static void mode_exec(void)
{
	keep(malloc(1001));
	churn(1002, 10);
	truth("malloc", 1001, 1);
	truth_churn(1002, 10);
	execl(self, self, "exec2", (char *)NULL);
	must(0, "execl");
}

static void mode_exec2(void)
{
	keep(malloc(1003));
	truth("malloc", 1003, 1);
	execl(self, self, "exec3", (char *)NULL);
	must(0, "execl");
}

static void mode_exec3(void)
{
	keep(malloc(1004));
	churn(1005, 20);
	truth("malloc", 1004, 1);
	truth_leaked(1004, 1);
	truth_churn(1005, 20);
}

/* A program that detaches itself; its first parent is long gone when it allocates. */
static void mode_daemon(void)
{
	int ends[2];
	char byte;

	must(pipe(ends) == 0, "pipe");
	if (fork() == 0) {
		if (fork() == 0) {
			child(7);
			must(write(ends[1], "x", 1) == 1, "the daemon's message");
			_exit(0);
		}
		_exit(0);
	}
	must(read(ends[0], &byte, 1) == 1, "the daemon's message");
	while (wait(NULL) > 0)
		;
	churn(1001, 5);
	truth_churn(1001, 5);
}

static void run_true(void)
{
	const pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(1);
	}
	reap(pid);
}

/*
 * A child whose parent ends before it allocates for the first time. Others run meanwhile, so
 * that what the recorder kept of its parent is given to them.
 */
static void mode_orphan(void)
{
	int go[2], end[2];
	char byte;

	must(pipe(go) == 0 && pipe(end) == 0, "pipe");
	const pid_t pid = fork();

	if (pid == 0) {
		child(1);
		if (fork() == 0) {
			must(read(go[0], &byte, 1) == 1, "the word to go");
			child(2);
			must(write(end[1], "x", 1) == 1, "the orphan's message");
			_exit(0);
		}
		_exit(0);
	}
	reap(pid);
	for (int i = 0; i < 5; i++) {
		usleep(20000);
		run_true();
	}
	must(write(go[1], "x", 1) == 1, "the word to go");
	must(read(end[0], &byte, 1) == 1, "the orphan's message");
}

#define MODE(name) { #name, mode_##name }

static const struct { const char *name; void (*run)(void); } modes[] = {
	MODE(fork), MODE(raw_fork), MODE(threaded_fork), MODE(vfork), MODE(spawn),
	MODE(exec), MODE(exec2), MODE(exec3), MODE(daemon), MODE(orphan),
};

int main(int argc, char **argv)
{
	self = argv[0];
	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (!strcmp(argv[1], modes[i].name)) {
			modes[i].run();
			return 0;
		}
	}
	return 2;
}
