/*
 * tree - process trees whose peak is arithmetic: tree HOW N BYTES.
 *
 * A child allocates BYTES in blocks of 1000, keeps them, and ends. How many children hold theirs at one time is
 * what HOW says: one at a time, whichever way they are made, waited for and ended, or all N of them.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BLOCK 1000u

extern char **environ;

static char *self, *bytes_text;
static unsigned long bytes;

static void fail(const char *what)
{
	perror(what);
	_exit(125);
}

static void hold(void)
{
	for (unsigned long i = 0; i < bytes / BLOCK; i++) {
		char *const p = malloc(BLOCK);

		if (!p)
			fail("malloc");
		memset(p, 1, BLOCK);
	}
}

/* What the parent holds between two children: less than a child, so that no child may be there. */
static void hold_between(void)
{
	char *volatile p = malloc(bytes / 4 * 3);

	if (!p)
		fail("malloc");
	*p = 1;
	free(p);
}

/* ---- how a child ends ---- */

static int last_code;

static void end_at_once(int code)
{
	_exit(code);
}

static void end_by_system_call(int code)
{
	syscall(SYS_exit_group, code);
}

static void end_by_signal(int signal)
{
	kill(getpid(), signal);
	pause();
}

static void exit_again(void)
{
	exit(last_code);
}

static void end_otherwise(int code)
{
	last_code = code;
	atexit(exit_again);
	exit(99);
}

static const struct {
	const char *name;
	void (*end)(int);
} ends[] = {
	{ "exit", exit },
	{ "_exit", end_at_once },
	{ "_Exit", _Exit },
	{ "quick_exit", quick_exit },
	{ "exit_group", end_by_system_call },
	{ "again", end_otherwise },
	{ "signal", end_by_signal },
};

static _Noreturn void end(const char *how, int code)
{
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		if (strcmp(ends[i].name, how) == 0)
			ends[i].end(code);
	_exit(125);
}

/* ---- how it is made: the child holds its bytes, then ends so ---- */

static pid_t by_fork(const char *how, int code)
{
	const pid_t pid = fork();

	if (pid)
		return pid;
	hold();
	end(how, code);
}

static char **child_arguments(const char *how, int code)
{
	static char number[12];
	static char *argv[6];

	snprintf(number, sizeof(number), "%d", code);
	argv[0] = self;
	argv[1] = (char *)"child";
	argv[2] = bytes_text;
	argv[3] = (char *)how;
	argv[4] = number;
	return argv;
}

static pid_t by_exec(const char *how, int code)
{
	const pid_t pid = fork();

	if (pid)
		return pid;
	execv(self, child_arguments(how, code));
	_exit(125);
}

static pid_t by_vfork(const char *how, int code)
{
	char **const argv = child_arguments(how, code);
	const pid_t pid = vfork();

	if (pid)
		return pid;
	execv(self, argv);
	_exit(125);
}

static pid_t by_spawn(const char *how, int code)
{
	pid_t pid;

	errno = posix_spawn(&pid, self, NULL, NULL, child_arguments(how, code), environ);
	return errno ? -1 : pid;
}

/* Three programs in one process; the last one holds. */
static pid_t by_chain(const char *how, int code)
{
	char line[1000];
	const pid_t pid = fork();

	if (pid)
		return pid;
	snprintf(line, sizeof(line), "exec env sh -c 'exec %s child %s %s %d'", self, bytes_text, how, code);
	execlp("sh", "sh", "-c", line, (char *)NULL);
	_exit(125);
}

static const struct {
	const char *name;
	pid_t (*make)(const char *, int);
} makers[] = {
	{ "fork", by_fork }, { "exec", by_exec }, { "vfork", by_vfork }, { "spawn", by_spawn }, { "chain", by_chain },
};

/* ---- how it is waited for ---- */

static void by_wait(pid_t pid)
{
	(void)pid;
	(void)wait(NULL);
}

static void by_waitpid(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, WNOHANG) == 0)
		;
}

static void by_wait3(pid_t pid)
{
	struct rusage usage;

	(void)pid;
	(void)wait3(NULL, 0, &usage);
}

static void by_wait4(pid_t pid)
{
	(void)wait4(pid, NULL, 0, NULL);
}

static void by_waitid(pid_t pid)
{
	siginfo_t info;

	(void)waitid(P_PID, (id_t)pid, &info, WEXITED);
}

static void by_peek(pid_t pid)
{
	siginfo_t info;

	(void)waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
	(void)waitpid(pid, NULL, 0);
}

static void by_system_call(pid_t pid)
{
	(void)syscall(SYS_wait4, pid, NULL, 0, NULL);
}

static const struct {
	const char *name;
	void (*wait)(pid_t);
} waits[] = {
	{ "wait", by_wait },	 { "waitpid", by_waitpid }, { "wait3", by_wait3 },	     { "wait4", by_wait4 },
	{ "waitid", by_waitid }, { "peek", by_peek },	    { "system-call", by_system_call },
};

/* tree row N BYTES MAKER WAIT END CODE: one after the other. */
static int row(int n, char **how)
{
	const int code = atoi(how[3]);

	for (size_t m = 0; m < sizeof(makers) / sizeof(*makers); m++) {
		for (size_t w = 0; strcmp(makers[m].name, how[0]) == 0 && w < sizeof(waits) / sizeof(*waits); w++) {
			for (int i = 0; strcmp(waits[w].name, how[1]) == 0 && i < n; i++) {
				const pid_t pid = makers[m].make(how[2], code);

				if (pid < 0)
					fail(how[0]);
				waits[w].wait(pid);
				if (waits[w].wait != by_system_call) /* which nobody sees */
					hold_between();
			}
		}
	}
	return 0;
}

/* ---- at once ---- */

/* Nobody goes on before all have come: `ready` gets a byte of each, `go` ends when all hang up. */
static int at_once(int n, const char *how)
{
	int ready[2], go[2];
	char c;

	if (pipe(ready) < 0 || pipe(go) < 0)
		fail("pipe");
	for (int i = 0; i < n; i++) {
		const pid_t pid = fork();

		if (pid < 0)
			fail("fork");
		if (pid)
			continue;
		hold();
		close(go[1]);
		if (write(ready[1], "", 1) != 1 || read(go[0], &c, 1) != 0)
			fail("barrier");
		end(how, strcmp(how, "signal") == 0 ? SIGKILL : 0);
	}
	for (int i = 0; i < n; i++)
		if (read(ready[0], &c, 1) != 1)
			fail("read");
	close(go[1]);
	while (wait(NULL) > 0)
		;
	return 0;
}

/* N slots, 5 N jobs: a new one begins when one has ended; never more than N at one time. */
static int slots(int n)
{
	int started = 0;

	for (; started < n; started++)
		if (by_exec("exit", 0) < 0)
			fail("fork");
	for (; started < 5 * n; started++) {
		(void)wait(NULL);
		if (by_exec("exit", 0) < 0)
			fail("fork");
	}
	while (wait(NULL) > 0)
		;
	return 0;
}

/* ---- grandchildren ---- */

/* Until nothing of it runs any more. */
static void by_descriptor(pid_t pid)
{
	struct pollfd f = { .fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };

	if (f.fd < 0 && errno != ESRCH)
		fail("pidfd_open");
	if (f.fd >= 0) {
		(void)poll(&f, 1, -1);
		close(f.fd);
	}
}

/* Children of children that have ended before: somebody else waits for them. */
static int orphans(int n)
{
	int tell[2];
	pid_t pid;

	if (pipe(tell) < 0)
		fail("pipe");
	for (int i = 0; i < n; i++) {
		if (fork() == 0) {
			(void)setsid();
			pid = fork();
			if (pid == 0) {
				hold();
				exit(5);
			}
			_exit(write(tell[1], &pid, sizeof(pid)) != sizeof(pid));
		}
		if (read(tell[0], &pid, sizeof(pid)) != sizeof(pid))
			fail("read");
		by_descriptor(pid);
		(void)wait(NULL);
	}
	return 0;
}

/* Nobody waits: the kernel does away with them. */
static int ignored(int n)
{
	(void)signal(SIGCHLD, SIG_IGN);
	for (int i = 0; i < n; i++) {
		if (by_exec("exit", 4) < 0)
			fail("fork");
		(void)wait(NULL); /* returns when there is no child left */
		hold_between();
	}
	return 0;
}

/* The C library's own waits. */
static int shells(int n, const char *code)
{
	char line[1000];

	snprintf(line, sizeof(line), "%s child %s exit %s", self, bytes_text, code);
	for (int i = 0; i < n; i++) {
		(void)system(line);
		hold_between();
		FILE *const f = popen(line, "r");

		if (!f)
			fail("popen");
		(void)pclose(f);
		hold_between();
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc < 4)
		return 125;
	self = argv[0];
	bytes_text = argv[strcmp(argv[1], "child") == 0 ? 2 : 3];
	bytes = strtoul(bytes_text, NULL, 10);
	if (strcmp(argv[1], "child") == 0) {
		hold();
		end(argv[3], atoi(argv[4]));
	}
	if (strcmp(argv[1], "row") == 0)
		return row(atoi(argv[2]), argv + 4);
	if (strcmp(argv[1], "at-once") == 0)
		return at_once(atoi(argv[2]), argv[4]);
	if (strcmp(argv[1], "slots") == 0)
		return slots(atoi(argv[2]));
	if (strcmp(argv[1], "orphans") == 0)
		return orphans(atoi(argv[2]));
	if (strcmp(argv[1], "ignored") == 0)
		return ignored(atoi(argv[2]));
	if (strcmp(argv[1], "shells") == 0)
		return shells(atoi(argv[2]), argv[4]);
	return 125;
}
