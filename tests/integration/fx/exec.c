/*
 * exec - programs that are executed in every way, with every kind of environment.
 *
 *   exec image SIZE		what is executed: leaks five blocks of SIZE bytes
 *   exec HOW WITH WHERE	executes it from HERE, a child, a thread, a handler, with an environment
 *   exec HOW WITH dropped	... as another user; with root in ROOT: where that is the root
 *   exec stays			no execution: a child that gives up its rights before it does anything, and lives
 *   exec fails			executes what is not there, and goes on
 *   exec descriptors HOW	executes ls, which lists the descriptors that it has
 *
 * The image has a size of its own for each way, so a run that is not recorded is missed.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "truth.h"

extern char **environ;

#define SELF "/proc/self/exe"

static char size_text[16], program[4096];
static char image_word[] = "image", *image[] = { program, image_word, size_text, NULL };
static const char *how_asked;

static int call_execve(char **env) { return execve(program, image, env); }
static int call_execv(char **env) { return environ = env, execv(program, image); }
static int call_execvp(char **env) { return environ = env, execvp(program, image); }
static int call_execvpe(char **env) { return execvpe(program, image, env); }
static int call_execl(char **env) { return environ = env, execl(program, program, "image", size_text, NULL); }
static int call_execlp(char **env) { return environ = env, execlp(program, program, "image", size_text, NULL); }
static int call_execle(char **env) { return execle(program, program, "image", size_text, NULL, env); }
static int call_fexecve(char **env) { return fexecve(open(program, O_RDONLY | O_CLOEXEC), image, env); }
static int call_execveat(char **env) { return execveat(AT_FDCWD, program, image, env, 0); }
static int call_empty_path(char **env) { return execveat(open(program, O_RDONLY | O_CLOEXEC), "", image, env, AT_EMPTY_PATH); }

static int wait_for(pid_t pid)
{
	int status;

	return waitpid(pid, &status, 0) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : 98;
}

static int call_spawn(char **env)
{
	pid_t pid;

	return posix_spawn(&pid, program, NULL, NULL, image, env) ? 97 : wait_for(pid);
}

static int call_spawnp(char **env)
{
	pid_t pid;

	return posix_spawnp(&pid, program, NULL, NULL, image, env) ? 97 : wait_for(pid);
}

static int call_system(char **env)
{
	char line[4200];

	environ = env;
	snprintf(line, sizeof(line), "exec '%s' image %s", program, size_text);
	return WEXITSTATUS(system(line));
}

static int call_popen(char **env)
{
	char line[4200], text[200];
	FILE *f;

	environ = env;
	snprintf(line, sizeof(line), "exec '%s' image %s", program, size_text);
	f = popen(line, "r");
	for (ssize_t n; f && (n = read(fileno(f), text, sizeof(text))) > 0;)
		if (write(1, text, (size_t)n) != n)
			return 96;
	return f ? WEXITSTATUS(pclose(f)) : 97;
}

/* Past the C library: nobody notes it. It lives long enough to be noticed. */
static int call_directly(char **env)
{
	char name[] = "sleep", seconds[] = "1", *const argv[] = { name, seconds, NULL };

	return (int)syscall(SYS_execve, "/bin/sleep", argv, env);
}

static const struct {
	const char *name;
	int (*call)(char **env);
} ways[] = {
	{ "execve", call_execve }, { "execv", call_execv }, { "execvp", call_execvp },
	{ "execvpe", call_execvpe }, { "execl", call_execl }, { "execlp", call_execlp },
	{ "execle", call_execle }, { "fexecve", call_fexecve }, { "execveat", call_execveat },
	{ "empty_path", call_empty_path }, { "spawn", call_spawn }, { "spawnp", call_spawnp },
	{ "system", call_system }, { "popen", call_popen },
	{ "directly", call_directly },
};

static char preload[4200];
static char first[] = "FIRST=1", last[] = "LAST=1";
static char *empty[] = { NULL }, *own[] = { first, preload, last, NULL };
static char **asked;

/* All but what a preloaded recorder lives on. */
static char **without_ours(void)
{
	static char *list[1000];
	size_t n = 0;

	for (char **p = environ; *p && n < 999; p++)
		if (strncmp(*p, "LD_PRELOAD=", 11) != 0 && strncmp(*p, "TRACKER_SHM=", 12) != 0)
			list[n++] = *p;
	return list;
}

static char **environment(const char *with)
{
	if (getenv("OWN_PRELOAD"))
		snprintf(preload, sizeof(preload), "LD_PRELOAD=%s", getenv("OWN_PRELOAD"));
	return !strcmp(with, "same") ? environ : !strcmp(with, "empty") ? empty : !strcmp(with, "null") ? NULL :
	       !strcmp(with, "own") ? own : without_ours();
}

static int execute(void)
{
	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++)
		if (!strcmp(how_asked, ways[i].name))
			return ways[i].call(asked);
	return 95;
}

static void *in_thread(void *argument)
{
	_exit(execute());
	return argument;
}

static void *fork_in_thread(void *argument)
{
	const pid_t pid = fork();

	if (pid == 0)
		_exit(execute());
	wait_for(pid);
	return argument;
}

static void in_handler(int number)
{
	(void)number;
	_exit(execute());
}

static int drop_rights(void)
{
	return setgroups(0, NULL) || setgid(65534) || setuid(65534);
}

static int change_root(const char *root)
{
	return chroot(root) || chdir("/");
}

static int from(const char *where)
{
	pthread_t thread;
	pid_t pid;

	if ((!strcmp(where, "dropped") && drop_rights()) || (!strcmp(where, "root") && change_root(getenv("ROOT"))))
		return 93;

	if (!strcmp(where, "thread"))
		return pthread_create(&thread, NULL, in_thread, NULL) || pthread_join(thread, NULL);
	if (!strcmp(where, "fork_in_thread"))
		return pthread_create(&thread, NULL, fork_in_thread, NULL) || pthread_join(thread, NULL);
	if (!strcmp(where, "handler"))
		return signal(SIGUSR1, in_handler) == SIG_ERR || raise(SIGUSR1);
	if (!strcmp(where, "fork") || !strcmp(where, "vfork")) {
		pid = where[0] == 'v' ? vfork() : fork();
		if (pid == 0)
			_exit(execute());
		return wait_for(pid);
	}
	return execute();
}

static int be_image(const char *size)
{
	const size_t bytes = strtoul(size, NULL, 10);

	for (int i = 0; i < 5; i++)
		*(char *volatile *)malloc(bytes) = NULL;
	truth("malloc", bytes, 5);
	truth_line("L", NULL, bytes, 5);
	if (getenv("FIRST"))
		truth("valloc", 4096 + strlen(getenv("LAST")), 0);
	return 0;
}

static int stay(void)
{
	const struct timespec while_others_look = { .tv_nsec = 50000000 };
	const pid_t pid = fork();

	if (pid)
		return wait_for(pid);
	if (drop_rights())
		return 93;
	for (int i = 0; i < 10; i++) {
		free(keep(malloc(4001)));
		nanosleep(&while_others_look, NULL);
	}
	truth_churn(4001, 10);
	return 0;
}

/* errno and the program are as ever afterwards. */
static int fail(void)
{
	char *const argv[] = { image_word, NULL };
	char missing[] = "/nonexistent/program";
	const char *volatile nowhere = (const char *)1;
	pid_t pid;

	for (int i = 0; i < 1000; i++) {
		if (execve(missing, argv, empty) != -1 || errno != ENOENT)
			return 1;
		if (execl("/", "x", NULL) != -1 || errno != EACCES)
			return 2;
		if (execvp("no-such-program-anywhere", argv) != -1 || errno != ENOENT)
			return 3;
		if (posix_spawn(&pid, missing, NULL, NULL, argv, environ) != ENOENT)
			return 4;
		if (execve(nowhere, argv, environ) != -1 || errno != EFAULT)
			return 5;
		free(malloc(1001));
	}
	truth("malloc", 1001, 1000);
	truth("free", 1001, 1000);
	return 0;
}

/* ls sees what the kernel gave it; `closed`: after closefrom(3). */
static int list_descriptors(const char *how)
{
	char name[] = "ls", folder[] = "/proc/self/fd", *const argv[] = { name, folder, NULL };

	if (!strcmp(how, "closed"))
		closefrom(3);
	execve("/bin/ls", argv, strcmp(how, "empty") ? environ : empty);
	return 1;
}

int main(int argc, char **argv)
{
	if (readlink(SELF, program, sizeof(program) - 1) <= 0) /* no /proc */
		snprintf(program, sizeof(program), "%s", argv[0]);
	if (argc > 2 && !strcmp(argv[1], "image"))
		return be_image(argv[2]);
	if (argc > 2 && !strcmp(argv[1], "descriptors"))
		return list_descriptors(argv[2]);
	if (argc == 2)
		return strcmp(argv[1], "stays") ? fail() : stay();
	snprintf(size_text, sizeof(size_text), "%s", getenv("IMAGE_SIZE") ? getenv("IMAGE_SIZE") : "4001");
	how_asked = argv[1];
	asked = environment(argv[2]);
	return from(argv[3]);
}
