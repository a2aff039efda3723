/* launch_program - the program: see launch.h. */
#include "launch.h"

#include "beside.h"
#include "format/python_env.h"
#include "format/shm.h"
#include "libtracker/raw.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAY_MAX 64u

/* The program before its exec. It is made whole before it begins, because its process shares this one's memory until then. */
struct waiting {
	struct beside b;
	int go[2], failed[2];
	bool no_input;
	int standard[2]; /* what standard output and standard error become; -1: as they are */
	char **by_shell; /* argv of sh, if the file turns out to be a script that names no interpreter */
	char head[256]; /* of that file */
	char way[sizeof(SHM_ENV "=") - 1 + WAY_MAX];
};

static char **build_program_environment(struct waiting *w, const struct program_options *o)
{
	static char python[] = PYTHON_ENV "=" PYTHON_ENV_VALUE;
	const char *const user = getenv("LD_PRELOAD");
	char **const list = environment_copy();
	char *text;

	if (!list)
		return NULL;
	memcpy(w->way, SHM_ENV "=", sizeof(SHM_ENV "=") - 1);
	environment_set(list, w->way);
	if (o->trace && asprintf(&text, "TRACKER_TRACE=%s", o->trace) >= 0)
		environment_set(list, text);
	if (o->python_malloc)
		environment_set(list, python);
	if (o->preload && asprintf(&text, "LD_PRELOAD=%s%s%s", o->preload, user && *user ? ":" : "", user ? user : "") >= 0)
		environment_set(list, text);
	return list;
}

static char **build_shell_argv(const struct program_options *o)
{
	size_t count = 0;

	while (o->argv[count])
		count++;
	char **const argv = calloc(count + 2, sizeof(*argv));

	if (!argv)
		return NULL;
	argv[0] = (char *)"sh";
	argv[1] = (char *)o->path;
	memcpy(argv + 2, o->argv + 1, count * sizeof(*argv));
	return argv;
}

/* Does what a shell does with a script that names no interpreter. Other files are not passed to sh. */
static bool is_text(struct waiting *w)
{
	const int fd = raw_open(w->b.path, O_RDONLY | O_CLOEXEC);
	const long n = fd < 0 ? -1 : raw_read(fd, w->head, sizeof(w->head));

	for (long i = 0; i < n; i++)
		if (!w->head[i])
			return false;
	return n >= 0;
}

/* A view has the terminal: tracker run --live. */
static void leave_terminal(const struct waiting *w)
{
	const int null = w->no_input ? raw_open("/dev/null", O_RDONLY) : -1;

	if (null > 0)
		beside_dup(null, STDIN_FILENO);
	if (null > 0)
		raw_close(null);
	for (int i = 0; i < 2; i++)
		if (w->standard[i] >= 0)
			beside_dup(w->standard[i], STDOUT_FILENO + i);
}

static void run_program_when_told(struct beside *b)
{
	struct waiting *const w = (struct waiting *)b;
	int error;

	raw_close(w->go[1]);
	raw_close(w->failed[0]);
	if (raw_read(w->go[0], w->way + sizeof(SHM_ENV "=") - 1, WAY_MAX) != WAY_MAX)
		return;
	leave_terminal(w);
	error = beside_execute(b->path, b->argv, b->envp);
	if (error == ENOEXEC && is_text(w))
		(void)beside_execute("/bin/sh", w->by_shell, b->envp);
	(void)arch_syscall(SYS_write, w->failed[1], (long)&error, sizeof(error), 0, 0, 0);
}

static struct waiting *prepare_program(const struct program_options *o)
{
	struct waiting *const w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->b.run = run_program_when_told;
	w->b.path = o->path;
	w->b.argv = o->argv;
	w->b.envp = build_program_environment(w, o);
	w->no_input = o->no_input;
	for (int i = 0; i < 2; i++)
		w->standard[i] = o->to_file[i] ? o->output : -1;
	w->by_shell = build_shell_argv(o);
	return w->b.envp && w->by_shell ? w : NULL;
}

static void close_pipe(const int ends[2])
{
	for (int i = 0; i < 2; i++)
		if (ends[i] >= 0)
			close(ends[i]);
}

bool program_fork(struct program *p, const struct program_options *o)
{
	struct waiting *const w = prepare_program(o);
	int go[2] = { -1, -1 }, failed[2] = { -1, -1 };

	p->pid = -1;
	if (w && pipe2(go, O_CLOEXEC) == 0 && pipe2(failed, O_CLOEXEC) == 0) {
		memcpy(w->go, go, sizeof(go));
		memcpy(w->failed, failed, sizeof(failed));
		p->pid = beside_start(&w->b);
	}
	if (p->pid < 0) {
		close_pipe(go);
		close_pipe(failed);
		return false;
	}
	close(go[0]);
	close(failed[1]);
	p->go = go[1];
	p->failed = failed[0];
	return true;
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

void program_go(struct program *p, const char *way)
{
	char message[WAY_MAX] = "";

	snprintf(message, sizeof(message), "%s", way);
	/* wait(2) will show that the child was killed meanwhile */
	(void)!write(p->go, message, sizeof(message));
	close(p->go);
}

int program_begun(struct program *p)
{
	int error = 0;
	ssize_t n;

	do
		n = read(p->failed, &error, sizeof(error));
	while (n < 0 && errno == EINTR);
	close(p->failed);
	if (n != sizeof(error))
		return 0;
	reap(p->pid);
	return error;
}

void program_cancel(struct program *p)
{
	close(p->go);
	close(p->failed);
	reap(p->pid);
}
