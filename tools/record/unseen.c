/* unseen - see unseen.h. */
#include "unseen.h"
#include "proc.h"
#include "process.h"
#include "watch.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PARENTS_MAX 256u /* so many processes are asked for their children at a time, */
#define THREADS_MAX 1024u /* ... and so many of their threads */

#define PAUSE_LOOKS 200u /* between two looks, times what a look takes */
#define PAUSE_MIN_NS 20000000ull
#define PAUSE_MAX_NS 1000000000ull

/* A program of another user's rights cannot be looked at; what still has its parent's name was only forked. */
static bool is_unseen(const struct recorder *r, const struct process *parent, uint32_t pid)
{
	const enum segment_there segment = proc_segment(r, pid);
	char name[SHM_NAME_BYTES];

	if (segment != DENIED)
		return segment == NOT_THERE;
	proc_thread_name(pid, pid, name);
	return name[0] && parent->name && strcmp(name, parent->name) != 0;
}

static bool was_candidate(const struct unseen *u, uint32_t pid)
{
	for (uint32_t i = 0; i < u->count; i++)
		if (u->pids[i] == pid)
			return true;
	return false;
}

/* It runs another program than the one that attached: cheaper to be asked than for all its mappings. */
static bool executed(const struct process *p)
{
	char now[SHM_EXECUTABLE_BYTES];

	return proc_executable(p->pid, now) && p->executable && strcmp(now, p->executable) != 0;
}

static void look_at(struct recorder *r, const struct process *parent, uint32_t pid, struct unseen *next)
{
	if (!is_unseen(r, parent, pid))
		return;
	if (was_candidate(&r->unseen, pid))
		watch_add(r, pid, parent->name, next->number);
	if (next->count < UNSEEN_PIDS)
		next->pids[next->count++] = pid;
}

static void look_at_children(struct recorder *r, const struct process *p, const char *task, struct unseen *next)
{
	char path[64], pid[16];

	snprintf(path, sizeof(path), "/proc/%u/task/%.10s/children", p->pid, task);
	FILE *const f = fopen(path, "re");

	while (f && fscanf(f, "%15s", pid) == 1)
		if (!process_by_pid(r, (uint32_t)strtoul(pid, NULL, 10)))
			look_at(r, p, (uint32_t)strtoul(pid, NULL, 10), next);
	if (f)
		fclose(f);
}

/* A child is in the list of the thread that started it. */
static void look_at_threads(struct recorder *r, const struct process *p, struct unseen *next, uint32_t *threads)
{
	struct dirent *task;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/task", p->pid);
	DIR *const tasks = opendir(path);

	while (tasks && *threads < THREADS_MAX && (task = readdir(tasks)))
		if (isdigit((unsigned char)task->d_name[0])) {
			look_at_children(r, p, task->d_name, next);
			++*threads;
		}
	if (tasks)
		closedir(tasks);
}

static uint64_t pause_ns(uint64_t look_ns)
{
	const uint64_t ns = look_ns * PAUSE_LOOKS;

	return ns < PAUSE_MIN_NS ? PAUSE_MIN_NS : ns > PAUSE_MAX_NS ? PAUSE_MAX_NS :
								      ns;
}

void unseen_look(struct recorder *r)
{
	struct unseen next = { .number = atomic_load(&r->shm->header.programs) };
	const uint64_t begin_ns = recorder_clock(r);
	uint32_t threads = 0;

	if (r->now_ns < r->unseen.next_ns || r->shm->header.flags & (SHM_NO_FOLLOW_EXEC | SHM_NO_FOLLOW_FORK))
		return;
	for (size_t i = 0; i < r->live_count && i < PARENTS_MAX; i++) {
		const struct process *const p = r->live[i];

		if (!p->attached || p->dying)
			continue;
		look_at_threads(r, p, &next, &threads);
		if (executed(p))
			look_at(r, p, p->pid, &next);
	}
	next.next_ns = r->now_ns + pause_ns(recorder_clock(r) - begin_ns);
	r->unseen = next;
}

static bool is_stranger(const struct recorder *r, uint32_t pid, const char *environment)
{
	return pid != (uint32_t)getpid() && pid != (uint32_t)getppid() && !process_by_pid(r, pid) &&
	       proc_has_environment(pid, environment);
}

size_t unseen_strangers(struct recorder *r, const char *environment, uint32_t pid, uint32_t *pids,
			size_t max)
{
	const uint32_t last = proc_last_pid(), self = (uint32_t)getpid();
	struct dirent *entry;
	size_t count = 0;

	/* The usual case, without a look at every process: nothing was started since. */
	if (last && last == (self > pid ? self : pid))
		return 0;
	DIR *const dir = opendir("/proc");

	while (dir && count < max && (entry = readdir(dir))) {
		const uint32_t other = isdigit((unsigned char)entry->d_name[0]) ?
					       (uint32_t)strtoul(entry->d_name, NULL, 10) :
					       0;

		if (other && is_stranger(r, other, environment))
			pids[count++] = other;
	}
	if (dir)
		closedir(dir);
	return count;
}
