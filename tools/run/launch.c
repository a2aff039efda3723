/* launch - see launch.h. */
#include "launch.h"

#include "format/python_env.h"
#include "format/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAY_MAX 64u

/* ---- the program ---- */

static void set_environment(const struct program_options *o, const char *way)
{
	const char *const user = getenv("LD_PRELOAD");
	char *value = NULL;

	setenv(SHM_ENV, way, 1);
	if (o->trace)
		setenv("TRACKER_TRACE", o->trace, 1);
	if (o->python_malloc)
		setenv(PYTHON_ENV, PYTHON_ENV_VALUE, 1);
	if (!o->preload)
		return;
	if (asprintf(&value, "%s%s%s", o->preload, user && *user ? ":" : "", user ? user : "") < 0)
		return;
	setenv("LD_PRELOAD", value, 1);
	free(value);
}

/* Does what a shell does with a script that names no interpreter. Other files are not passed to sh. */
static bool is_text(const char *path)
{
	char head[256];
	const int fd = open(path, O_RDONLY | O_CLOEXEC);
	const ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head));

	if (fd >= 0)
		close(fd);
	return n >= 0 && !memchr(head, 0, (size_t)n);
}

static void execute_text(const struct program_options *o)
{
	size_t count = 0;

	while (o->argv[count])
		count++;
	char **const argv = calloc(count + 2, sizeof(*argv));

	if (!argv)
		return;
	argv[0] = (char *)"sh";
	argv[1] = (char *)o->path;
	memcpy(argv + 2, o->argv + 1, count * sizeof(*argv));
	execv("/bin/sh", argv);
}

/* A view has the terminal: tracker run --live. */
static void leave_terminal(const struct program_options *o)
{
	const int null = o->no_input ? open("/dev/null", O_RDONLY) : -1;

	if (null > 0) {
		dup2(null, STDIN_FILENO);
		close(null);
	}
	for (int i = 0; i < 2; i++)
		if (o->to_file[i])
			dup2(o->output, STDOUT_FILENO + i);
}

static void run_child(const struct program_options *o, int go, int failed)
{
	char way[WAY_MAX];

	if (read(go, way, sizeof(way)) != sizeof(way))
		_exit(125);
	set_environment(o, way);
	leave_terminal(o);
	execv(o->path, o->argv);
	if (errno == ENOEXEC && is_text(o->path)) {
		execute_text(o);
		errno = ENOEXEC;
	}
	const int error = errno;

	(void)!write(failed, &error, sizeof(error));
	_exit(125);
}

bool program_fork(struct program *p, const struct program_options *o)
{
	int go[2] = { -1, -1 }, failed[2] = { -1, -1 };

	if (pipe2(go, O_CLOEXEC) < 0 || pipe2(failed, O_CLOEXEC) < 0)
		goto fail;
	p->pid = fork();
	if (p->pid < 0)
		goto fail;
	if (p->pid == 0) {
		close(go[1]);
		close(failed[0]);
		run_child(o, go[0], failed[1]);
	}
	close(go[0]);
	close(failed[1]);
	p->go = go[1];
	p->failed = failed[0];
	return true;
fail:
	for (int i = 0; i < 2; i++) {
		if (go[i] >= 0)
			close(go[i]);
		if (failed[i] >= 0)
			close(failed[i]);
	}
	return false;
}

static void reap(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

int program_start(struct program *p, const char *way)
{
	char message[WAY_MAX] = "";
	int error = 0;
	ssize_t n;

	snprintf(message, sizeof(message), "%s", way);
	/* wait(2) will show that the child was killed meanwhile */
	(void)!write(p->go, message, sizeof(message));
	close(p->go);
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

/* ---- the recorder ---- */

static int by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void close_others(int *keep, size_t count)
{
	unsigned from = 3;

	qsort(keep, count, sizeof(*keep), by_value);
	for (size_t i = 0; i < count; i++) {
		if (keep[i] < 0)
			continue;
		if ((unsigned)keep[i] > from)
			close_range(from, (unsigned)keep[i] - 1, 0);
		from = (unsigned)keep[i] + 1;
		fcntl(keep[i], F_SETFD, 0);
	}
	close_range(from, UINT_MAX, 0);
}

static void detach(void)
{
	const int null = open("/dev/null", O_RDWR);

	setsid();
	if (null >= 0)
		for (int fd = 0; fd < 3; fd++)
			dup2(null, fd);
}

void launch_alone(int *keep, size_t count)
{
	detach();
	close_others(keep, count);
}

struct arguments {
	const char *list[256];
	char texts[24][32];
	size_t count, text_count;
};

static void add(struct arguments *a, const char *option, const char *value)
{
	a->list[a->count++] = option;
	if (value)
		a->list[a->count++] = value;
}

static void add_number(struct arguments *a, const char *option, uint64_t value)
{
	char *const text = a->texts[a->text_count++];

	snprintf(text, sizeof(a->texts[0]), "%llu", (unsigned long long)value);
	add(a, option, text);
}

/* The recorder makes files under its name, from any directory. */
static void describe_path(struct arguments *a, const struct recorder_options *o)
{
	static char path[PATH_MAX];
	char directory[PATH_MAX];

	if (o->file[0] == '/' || !getcwd(directory, sizeof(directory)))
		directory[0] = 0;
	if ((size_t)snprintf(path, sizeof(path), "%s%s%s", directory, directory[0] ? "/" : "",
			     o->file) < sizeof(path))
		add(a, "--path", path);
}

static void describe_aggregate(struct arguments *a, const struct recorder_options *o)
{
	add(a, "--aggregate", NULL);
	add_number(a, "--checkpoint-ms", o->checkpoint_ms);
	if (o->temporary_threshold != UINT64_MAX)
		add_number(a, "--temporary-threshold", o->temporary_threshold);
}

static void describe(struct arguments *a, const struct recorder_options *o)
{
	add(a, "tracker-record", NULL);
	if (o->segment->fd >= 0)
		add_number(a, "--shm", (uint64_t)o->segment->fd);
	else
		add_number(a, "--shm-id", (uint64_t)o->segment->id);
	add_number(a, "--output", (uint64_t)o->output);
	add_number(a, "--control", (uint64_t)o->control);
	add_number(a, "--pid", (uint64_t)o->program);
	if (o->pidfd >= 0)
		add_number(a, "--pidfd", (uint64_t)o->pidfd);
	if (o->connector >= 0)
		add_number(a, "--connector", (uint64_t)o->connector);
	add_number(a, "--memory-interval-ms", o->memory_interval_ms);
	add_number(a, "--start-after-ns", o->start_after_ns);
	add_number(a, "--duration-ns", o->duration_ns);
	add_number(a, "--max-bytes", o->max_bytes);
	if (o->packing)
		add_number(a, "--packing", o->packing);
	if (o->no_symbols)
		add(a, "--no-symbols", NULL);
	if (o->notice)
		add(a, "--notice", o->notice);
	if (o->attached)
		add_number(a, "--attached-ns", o->attached_ns);
	if (o->rotate)
		add_number(a, "--rotate", o->rotate);
	for (size_t i = 0; i < o->track_class_count; i++)
		add(a, "--track-class", o->track_class[i]);
	if (o->snapshot_ns)
		add_number(a, "--snapshot-ns", o->snapshot_ns);
	if (o->aggregate)
		describe_aggregate(a, o);
	if (o->aggregate || o->rotate)
		describe_path(a, o);
}

/* The program's arguments behind the recorder's own, as many as the capture keeps. */
static char **build_argv(const struct arguments *a, char **program)
{
	size_t count = 0, bytes = 0;

	while (program[count] && bytes <= SHM_COMMAND_BYTES)
		bytes += strlen(program[count++]) + 1;
	char **const argv = calloc(a->count + count + 1, sizeof(*argv));

	if (!argv)
		return NULL;
	memcpy(argv, a->list, a->count * sizeof(*argv));
	memcpy(argv + a->count, program, count * sizeof(*argv));
	return argv;
}

/*
 * Libraries that are preloaded into the program are not meant for the recorder, and it must not attach to another
 * recorder.
 */
static char **build_environment(void)
{
	static char nobody[] = SHM_ENV "=";
	static const char preload[] = "LD_PRELOAD=";
	size_t count = 0, kept = 0;

	while (environ[count])
		count++;
	char **const list = calloc(count + 2, sizeof(*list));

	if (!list)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (strncmp(environ[i], preload, sizeof(preload) - 1) && strncmp(environ[i], nobody, sizeof(nobody) - 1))
			list[kept++] = environ[i];
	list[kept] = nobody;
	return list;
}

/* What the child needs; it makes nothing itself, because it shares this process's memory. */
struct start {
	struct arguments a;
	char environment[96]; /* --environment=, an argument */
	char **argv, **envp;
};

static void prepare(struct start *s, const struct recorder_options *o)
{
	describe(&s->a, o);
	add(&s->a, s->environment, NULL);
	add(&s->a, "--", NULL);
	s->argv = build_argv(&s->a, o->argv);
	s->envp = build_environment();
}

static void run_recorder(struct start *s, const void *options)
{
	const struct recorder_options *const o = options;
	int keep[] = { o->segment->fd, o->output, o->control, o->pidfd, o->connector };
	char way[WAY_MAX];

	launch_alone(keep, sizeof(keep) / sizeof(*keep));
	new_segment_name(o->segment, getpid(), way, sizeof(way));
	snprintf(s->environment, sizeof(s->environment), "--environment=%s=%s", SHM_ENV, o->way ? o->way : way);
	execve(o->path, s->argv, s->envp);
	_exit(125);
}

static pid_t start_apart(struct start *s, const void *options, void (*run)(struct start *, const void *))
{
	sigset_t all, before;
	pid_t pid = -1;

	/*
	 * A signal that comes early waits until the recorder is ready for it. tracker-run's handler would pass it on
	 * to the program, and the default action would end the recorder.
	 */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	/* vfork copies no page tables, and this process keeps its pages for itself: that is half of what a fork costs here */
	if (s->argv && s->envp)
		pid = vfork();
	else
		errno = ENOMEM;
	if (pid == 0)
		run(s, options);
	sigprocmask(SIG_SETMASK, &before, NULL);
	free(s->argv);
	free(s->envp);
	return pid;
}

pid_t recorder_start(const struct recorder_options *o)
{
	struct start s = { 0 };

	prepare(&s, o);
	return start_apart(&s, o, run_recorder);
}

/* ---- the sender ---- */

static void run_sender(struct start *s, const void *options)
{
	const struct sender_options *const o = options;
	int keep[] = { o->file, o->report, o->recorder, o->listen, o->client };

	detach();
	close_others(keep, sizeof(keep) / sizeof(*keep));
	execve(o->path, s->argv, s->envp);
	_exit(125);
}

pid_t sender_start(const struct sender_options *o)
{
	char *nothing[] = { NULL };
	struct start s = { 0 };

	add(&s.a, "tracker-send", NULL);
	add_number(&s.a, "--file", (uint64_t)o->file);
	add_number(&s.a, "--report", (uint64_t)o->report);
	if (o->recorder >= 0)
		add_number(&s.a, "--recorder", (uint64_t)o->recorder);
	if (o->to)
		add(&s.a, "--to", o->to);
	if (o->listen >= 0)
		add_number(&s.a, "--listen", (uint64_t)o->listen);
	if (o->client >= 0)
		add_number(&s.a, "--client", (uint64_t)o->client);
	if (o->is_spool)
		add(&s.a, "--spool", NULL);
	s.argv = build_argv(&s.a, nothing);
	s.envp = build_environment();
	return start_apart(&s, o, run_sender);
}
