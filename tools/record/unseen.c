/* unseen - see unseen.h. */
#include "unseen.h"
#include "pidspace.h"
#include "proc.h"
#include "process.h"
#include "watch.h"

#include <string.h>
#include <unistd.h>

#define PARENTS_MAX 256u /* so many processes are asked for their children at a time, */
#define THREADS_MAX 1024u /* ... and so many of their threads */

#define PAUSE_LOOKS 200u /* between two looks, times what a look takes */
#define PAUSE_MIN_NS 20000000ull
#define PAUSE_MAX_NS 1000000000ull

/* A program with another user's rights cannot be looked at. A process that still has its parent's name was only forked. */
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

/* Whether it runs another program than the one that attached. This question is cheaper than one for all its mappings. */
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

struct children {
	struct recorder *recorder;
	const struct process *parent;
	struct unseen *next;
};

static void look_at_child(void *children, uint32_t pid)
{
	const struct children *const c = children;

	if (!process_by_pid(c->recorder, pid))
		look_at(c->recorder, c->parent, pid, c->next);
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
	uint32_t threads = THREADS_MAX;

	if (r->now_ns < r->unseen.next_ns || r->shm->header.flags & (SHM_NO_FOLLOW_EXEC | SHM_NO_FOLLOW_FORK))
		return;
	for (size_t i = 0; i < r->live_count && i < PARENTS_MAX; i++) {
		const struct process *const p = r->live[i];

		if (!p->attached || p->dying)
			continue;
		proc_children(p->pid, &threads, look_at_child, &(struct children){ r, p, &next });
		if (executed(p))
			look_at(r, p, p->pid, &next);
	}
	next.next_ns = r->now_ns + pause_ns(recorder_clock(r) - begin_ns);
	r->unseen = next;
}

/* Copies of the recorder have the segment, too. */
static bool was_forked(const struct recorder *r, uint32_t pid)
{
	return proc_segment(r, pid) == THERE && pidspace_parent(pid) != (uint32_t)getpid();
}

static bool is_stranger(const struct recorder *r, uint32_t pid, const char *environment)
{
	return pid != (uint32_t)getpid() && pid != (uint32_t)getppid() && !process_by_pid(r, pid) &&
	       (environment ? proc_has_environment(pid, environment) : was_forked(r, pid));
}

struct strangers {
	const struct recorder *recorder;
	const char *environment;
	uint32_t *pids;
	size_t count, room;
};

/* True: there is room for no more of them. */
static bool take_stranger(void *strangers, uint32_t pid)
{
	struct strangers *const s = strangers;

	if (is_stranger(s->recorder, pid, s->environment))
		s->pids[s->count++] = pid;
	return s->count == s->room;
}

size_t unseen_strangers(struct recorder *r, const char *environment, uint32_t pid, uint32_t *pids,
			size_t max)
{
	const uint32_t last = proc_last_pid(), self = (uint32_t)getpid();
	struct strangers found = { .recorder = r, .environment = environment, .pids = pids, .room = max };

	/* The usual case, without a look at every process: no process was started since. */
	if (last && last == (self > pid ? self : pid))
		return 0;
	if (max)
		proc_find(take_stranger, &found);
	return found.count;
}
