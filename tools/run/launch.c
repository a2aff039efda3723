/* launch - see launch.h. */
#include "launch.h"

#include "beside.h"
#include "format/shm.h"
#include "libtracker/raw.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAY_MAX 64u

/* ---- a process that depends on nobody ---- */

static int by_value(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* By system calls only. `keep` is sorted. */
static void close_others(const int *keep, size_t count)
{
	unsigned from = 3;

	for (size_t i = 0; i < count; i++) {
		if (keep[i] < 0)
			continue;
		if ((unsigned)keep[i] > from)
			(void)arch_syscall(SYS_close_range, from, keep[i] - 1, 0, 0, 0, 0);
		from = (unsigned)keep[i] + 1;
		(void)arch_syscall(SYS_fcntl, keep[i], F_SETFD, 0, 0, 0, 0);
	}
	(void)arch_syscall(SYS_close_range, from, UINT_MAX, 0, 0, 0, 0);
}

static void detach(void)
{
	const int null = raw_open("/dev/null", O_RDWR);

	(void)arch_syscall(SYS_setsid, 0, 0, 0, 0, 0, 0);
	for (int fd = 0; null >= 0 && fd < 3; fd++)
		beside_dup(null, fd);
}

void launch_alone(int *keep, size_t count)
{
	qsort(keep, count, sizeof(*keep), by_value);
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

static char *copy_text(char **at, const char *text)
{
	char *const copy = *at;

	*at = stpcpy(copy, text) + 1;
	return copy;
}

/*
 * The program's arguments behind the process's own, as many as a capture keeps, and behind them, after a NULL, the path. All are
 * copies, because the caller may change its own before the exec.
 */
static char **build_argv(const struct arguments *a, const char *path, char *const *program)
{
	size_t count = 0, bytes = strlen(path) + 1;

	while (program[count] && bytes <= SHM_COMMAND_BYTES)
		bytes += strlen(program[count++]) + 1;
	for (size_t i = 0; i < a->count; i++)
		bytes += strlen(a->list[i]) + 1;
	char **const argv = malloc((a->count + count + 2) * sizeof(*argv) + bytes);

	if (!argv)
		return NULL;
	char *at = (char *)(argv + a->count + count + 2);

	for (size_t i = 0; i < a->count; i++)
		argv[i] = copy_text(&at, a->list[i]);
	for (size_t i = 0; i < count; i++)
		argv[a->count + i] = copy_text(&at, program[i]);
	argv[a->count + count] = NULL;
	argv[a->count + count + 1] = copy_text(&at, path);
	return argv;
}

static const char *path_behind(char *const *argv)
{
	while (*argv)
		argv++;
	return argv[1];
}

/*
 * Libraries that are preloaded into the program are not meant for the recorder, and it must not attach to another
 * recorder.
 */
static char **build_environment(void)
{
	static char nobody[] = SHM_ENV "=";
	static const char preload[] = "LD_PRELOAD=";
	char **const list = environment_copy();
	size_t kept = 0;

	for (size_t i = 0; list && list[i]; i++)
		if (strncmp(list[i], preload, sizeof(preload) - 1))
			list[kept++] = list[i];
	if (!list)
		return NULL;
	list[kept] = NULL;
	environment_set(list, nobody);
	return list;
}

#define KEPT_MAX 5

/* A process that depends on nobody, before its exec. */
struct start {
	struct beside b;
	int keep[KEPT_MAX];
	struct arguments a;
};

static void run_alone(struct beside *b)
{
	const struct start *const s = (const struct start *)b;

	detach();
	close_others(s->keep, KEPT_MAX);
	(void)beside_execute(b->path, b->argv, b->envp);
}

/* Takes `s`. */
static pid_t start_apart(struct start *s, const char *path, char **program, const int *keep)
{
	sigset_t all, before;
	pid_t pid;

	s->b.run = run_alone;
	s->b.argv = build_argv(&s->a, path, program);
	s->b.envp = build_environment();
	s->b.owned[0] = s->b.argv;
	s->b.owned[1] = s->b.envp;
	if (!s->b.argv || !s->b.envp) {
		free(s->b.argv);
		free(s->b.envp);
		free(s);
		errno = ENOMEM;
		return -1;
	}
	s->b.path = path_behind(s->b.argv);
	memcpy(s->keep, keep, sizeof(s->keep));
	qsort(s->keep, KEPT_MAX, sizeof(*s->keep), by_value);
	/*
	 * A signal that comes early waits until the recorder is ready for it. tracker-run's handler would pass it on
	 * to the program, and the default action would end the recorder.
	 */
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid = beside_start(&s->b);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return pid;
}
/* ---- the recorder ---- */

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

static void name_environment(char *text, size_t room, const struct recorder_options *o)
{
	char way[WAY_MAX];

	if (!o->way && o->segment->fd >= 0) { /* the segment is then named after the recorder, which knows its own pid */
		snprintf(text, room, "--environment=%s", SHM_ENV);
		return;
	}
	new_segment_name(o->segment, 0, way, sizeof(way));
	snprintf(text, room, "--environment=%s=%s", SHM_ENV, o->way ? o->way : way);
}

pid_t recorder_start(const struct recorder_options *o)
{
	const int keep[KEPT_MAX] = { o->segment->fd, o->output, o->control, o->pidfd, o->connector };
	char environment[sizeof("--environment=" SHM_ENV "=") + WAY_MAX];
	struct start *const s = calloc(1, sizeof(*s));

	if (!s)
		return -1;
	describe(&s->a, o);
	name_environment(environment, sizeof(environment), o);
	add(&s->a, environment, NULL);
	add(&s->a, "--", NULL);
	return start_apart(s, o->path, o->argv, keep);
}

/* ---- the sender ---- */

pid_t sender_start(const struct sender_options *o)
{
	const int keep[KEPT_MAX] = { o->file, o->report, o->recorder, o->listen, o->client };
	char *nothing[] = { NULL };
	struct start *const s = calloc(1, sizeof(*s));

	if (!s)
		return -1;
	add(&s->a, "tracker-send", NULL);
	add_number(&s->a, "--file", (uint64_t)o->file);
	add_number(&s->a, "--report", (uint64_t)o->report);
	if (o->recorder >= 0)
		add_number(&s->a, "--recorder", (uint64_t)o->recorder);
	if (o->to)
		add(&s->a, "--to", o->to);
	if (o->listen >= 0)
		add_number(&s->a, "--listen", (uint64_t)o->listen);
	if (o->client >= 0)
		add_number(&s->a, "--client", (uint64_t)o->client);
	if (o->is_spool)
		add(&s->a, "--spool", NULL);
	return start_apart(s, o->path, nothing, keep);
}
