/* watch - see watch.h. */
#include "watch.h"
#include "births.h"
#include "pidspace.h"
#include "process.h"
#include "request.h"
#include "proc.h"

#include "tools/run/inspect.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* An execution that fails does so within this time. */
#define FAILS_NS 1000000000ull
/* At the end: a program that was executed so recently may be about to attach. */
#define ATTACHES_NS 500000000ull
/* So many of the newest processes are asked whether they are the one. */
#define NEWEST 4096u

/* ---- who is watched ---- */

/* The process that made the entry. NULL: it is over, and its slot may be another's. */
static const struct process *starter_of(const struct recorder *r, const struct shm_exec *entry)
{
	const uint32_t slot = entry->process;
	const struct process *const p = slot < SHM_PROCESSES ? r->slot_process[slot] : NULL;

	return p && p->last_program < entry->number ? p : NULL;
}

struct sought {
	const struct recorder *r;
	const struct process *starter; /* NULL: not known */
};

static bool was_started(void *context, uint32_t pid)
{
	const struct sought *const s = context;
	const struct process *const p = process_by_pid(s->r, pid);

	if (p && p->attached)
		return false;
	return s->starter ? pidspace_parent(pid) == s->starter->pid : pidspace_is_ours(s->r, pid);
}

/* The pid as the recorder sees it; 0: not known, because the process has ended. */
static uint32_t executing(struct recorder *r, uint32_t index, const struct process *starter)
{
	const struct shm_exec *const entry = &r->shm->execs.entries[index];
	const struct watches *const w = &r->watches;
	const uint32_t pid = entry->pid;
	struct sought s = { r, starter };

	if (!(entry->flags & SHM_EXEC_INNER_PID))
		return pid;
	if (w->asked_pid[index] && w->asked_inner[index] == pid)
		return w->asked_pid[index];
	if (starter && (starter->inner_pid ? starter->inner_pid : starter->pid) == pid)
		return starter->unplaced ? 0 : starter->pid;
	return pidspace_find(pid, was_started, &s);
}

static void set_pid(struct watch *w, uint32_t pid)
{
	w->pid = pid;
	w->pidfd = pid ? (int)syscall(SYS_pidfd_open, (pid_t)pid, 0) : -1;
}

static struct watch *add(struct recorder *r, uint32_t pid)
{
	struct watches *const w = &r->watches;
	struct watch *const one = w->count < WATCHES ? calloc(1, sizeof(*one)) : NULL;

	if (!one) {
		w->missed_more++;
		return NULL;
	}
	set_pid(one, pid);
	one->entry = NO_SLOT;
	one->since_ns = r->now_ns;
	w->list[w->count++] = one;
	return one;
}

static void drop(struct recorder *r, uint32_t i)
{
	struct watches *const w = &r->watches;

	if (w->list[i]->pidfd >= 0)
		close(w->list[i]->pidfd);
	free(w->list[i]);
	w->list[i] = w->list[--w->count];
}

static bool was_withdrawn(const struct recorder *r, const struct watch *w)
{
	const struct shm_exec *const entry = &r->shm->execs.entries[w->entry < SHM_EXECS ? w->entry : 0];

	return w->entry != NO_SLOT &&
	       (atomic_load_explicit(&entry->state, memory_order_acquire) != SHM_LIVE || entry->serial != w->serial);
}

/* Gives the entry back, unless the program did that. */
static void release_entry(struct recorder *r, struct watch *w)
{
	uint32_t live = SHM_LIVE;

	if (w->entry == NO_SLOT)
		return;
	if (!was_withdrawn(r, w))
		(void)atomic_compare_exchange_strong(&r->shm->execs.entries[w->entry].state, &live, SHM_FREE);
	r->watches.taken[w->entry] = false;
	w->entry = NO_SLOT;
}

static void take(struct recorder *r, uint32_t index)
{
	const struct shm_exec *const entry = &r->shm->execs.entries[index];
	const struct process *const starter = starter_of(r, entry);
	const uint32_t pid = entry->pid, flags = entry->flags;
	struct watch *const w = add(r, executing(r, index, starter));

	r->watches.asked_pid[index] = 0;
	if (!w)
		return;
	w->inner_pid = flags & SHM_EXEC_INNER_PID ? pid : 0;
	w->flags = flags;
	w->number = entry->number;
	w->entry = index;
	w->serial = entry->serial;
	r->watches.taken[index] = true;
	memcpy(w->path, entry->path, sizeof(entry->path));
	w->path[sizeof(entry->path) - 1] = 0;
	if (starter && starter->name)
		snprintf(w->starter, sizeof(w->starter), "%s", starter->name);
}

static void look_at_entries(struct recorder *r)
{
	struct shm_execs *const table = &r->shm->execs;
	uint32_t high = atomic_load_explicit(&table->high, memory_order_acquire);

	for (uint32_t i = 0; i < high && i < SHM_EXECS; i++) {
		const uint32_t state = atomic_load_explicit(&table->entries[i].state, memory_order_acquire);

		if (state == SHM_CLAIMED &&
		    atomic_load_explicit(&table->entries[i].request, memory_order_acquire) == SHM_REQUEST_MADE)
			request_answer(r, i);
		if (state == SHM_LIVE && !r->watches.taken[i])
			take(r, i);
	}
}

static bool knows(const struct recorder *r, uint32_t pid)
{
	for (uint32_t i = 0; i < r->watches.count; i++)
		if (r->watches.list[i]->pid == pid)
			return true;
	return false;
}

static bool is_it(const struct watch *w, const struct process *p)
{
	return p->attached && p->last_executed >= w->number &&
	       (w->pid ? p->pid == w->pid : p->inner_pid && p->inner_pid == w->inner_pid);
}

static bool has_attached(const struct recorder *r, const struct watch *w)
{
	const size_t n = r->process_count, end = n > NEWEST ? n - NEWEST : 0;

	for (size_t i = r->live_count; i-- > 0;)
		if (is_it(w, r->live[i]))
			return true;
	for (size_t i = n; i-- > end;)
		if (is_it(w, r->processes[i]))
			return true;
	return false;
}

/* tracker-send beside this recorder: libtracker starts it in a program that captures itself, and it is none of the program's. One that has ended is a name. */
static bool is_sender(const char *path)
{
	char own[SHM_EXECUTABLE_BYTES];
	const char *const slash = strrchr(path, '/'), *const own_slash = proc_executable((uint32_t)getpid(), own) ? strrchr(own, '/') : NULL;

	return !strcmp(path, "tracker-send") || (slash && own_slash && !strcmp(slash, "/tracker-send") && slash - path == own_slash - own && !memcmp(path, own, (size_t)(slash - path)));
}

void watch_add(struct recorder *r, uint32_t pid, const char *starter, uint64_t number)
{
	char path[SHM_EXECUTABLE_BYTES];
	struct watch *w;

	if (!proc_executable(pid, path))
		proc_thread_name(pid, pid, path);
	w = knows(r, pid) || is_sender(path) ? NULL : add(r, pid);
	if (!w)
		return;
	w->number = number;
	snprintf(w->starter, sizeof(w->starter), "%s", starter ? starter : "");
	snprintf(w->path, sizeof(w->path), "%s", path);
}

/*
 * A program that a hook has noted, or that has attached, under a pid of another namespace, may have ended before its
 * pid in the recorder's namespace could be asked for. The kernel reports it, too, and under the pid in the recorder's
 * namespace. Each such program is matched with one that the kernel reports.
 */
static bool match_otherwise(struct recorder *r, uint32_t pid, uint64_t number)
{
	const size_t n = r->process_count, end = n > NEWEST ? n - NEWEST : 0;
	const uint32_t name = pidspace_name(pid);

	for (uint32_t i = 0; i < r->watches.count; i++) {
		struct watch *const w = r->watches.list[i];

		/* a live one still says which pid it has there */
		if (w->pid || w->number < number || (name && name != w->inner_pid))
			continue;
		set_pid(w, pid);
		return true;
	}
	for (size_t i = n; !name && i-- > end;) {
		struct process *const p = r->processes[i];

		if (p->unplaced && p->last_executed && p->last_executed >= number) {
			p->unplaced = false;
			return true;
		}
	}
	return false;
}

void watch_executed(struct recorder *r, uint32_t pid, const char *path, const char *starter, uint64_t number)
{
	const struct watch it = { .pid = pid, .number = number };

	if ((path && is_sender(path)) || knows(r, pid) || has_attached(r, &it) || match_otherwise(r, pid, number))
		return;
	struct watch *const w = add(r, pid);

	if (!w)
		return;
	w->number = number;
	snprintf(w->starter, sizeof(w->starter), "%s", starter ? starter : "");
	snprintf(w->path, sizeof(w->path), "%s", path ? path : "a program");
}

/* ---- what became of them ---- */

/*
 * A program whose pid in the recorder's namespace is not known may be about to attach, too, unless the kernel has
 * told that all of them ended.
 */
static bool has_ended(const struct recorder *r, const struct watch *w)
{
	struct pollfd p = { .fd = w->pidfd, .events = POLLIN };

	if (w->pidfd >= 0)
		return poll(&p, 1, 0) > 0;
	if (!w->pid)
		return births_rule_out(r) || r->now_ns - w->since_ns > ATTACHES_NS;
	return kill((pid_t)w->pid, 0) < 0 && errno == ESRCH;
}

/* ---- who was not recorded ---- */

/* The file that is inspected: that of the running program, or, if it is over, the file that was to be executed. */
static void explain(const struct recorder *r, const struct watch *w, char *why, size_t room)
{
	struct inspection found;
	char running[64];

	snprintf(running, sizeof(running), "/proc/%u/exe", w->pid);
	if (w->flags & SHM_EXEC_NO_LIBRARY)
		snprintf(why, room, "libtracker.so cannot be read in its root directory: make tracker's folder visible there");
	else if ((!w->ended && inspect_file(&found, running)) ||
		 (strchr(w->path, '/') && inspect_file(&found, w->path)))
		snprintf(why, room, "%s", found.reason);
	else if (w->flags & SHM_EXEC_NO_WAY || (w->flags & SHM_EXEC_INNER_PID && r->segment < 0))
		snprintf(why, room, "the recorder was not permitted to give it the shared memory, or did not answer");
	else if (w->ended)
		snprintf(why, room, "it ended before the preloaded library had started: it was killed, a library was missing, "
				    "or the exec bypassed the C library");
	else
		snprintf(why, room, "it did not load the preloaded library: the exec bypassed the C library, or the program was stopped");
}

static void miss(struct recorder *r, const struct watch *w)
{
	struct watches *const all = &r->watches;
	struct missed *m = all->missed;
	char why[700];

	r->counters.unrecorded++;
	explain(r, w, why, sizeof(why));
	for (uint32_t i = 0; i < all->missed_count; i++, m++)
		if (!strcmp(m->path, w->path) && !strcmp(m->why, why)) {
			m->count++;
			return;
		}
	m = all->missed_count < MISSED ? &all->missed[all->missed_count] : NULL;
	if (m)
		*m = (struct missed){ .path = strdup(w->path), .why = strdup(why), .pid = w->pid ? w->pid : w->inner_pid, .count = 1 };
	if (!m || !m->path || !m->why) {
		all->missed_more++;
		return;
	}
	memcpy(m->starter, w->starter, sizeof(m->starter));
	all->missed_count++;
}

/* Whether it is no longer necessary to watch it. */
static bool try_settle(struct recorder *r, struct watch *w, bool all_known)
{
	if (was_withdrawn(r, w) || has_attached(r, w)) {
		release_entry(r, w);
		return true;
	}
	/* events that the kernel has yet to tell are about watched programs; who comes when the recording ends is for watch_finish */
	if (w->ended && all_known && !births_behind(r) && !atomic_load(&r->shm->header.closed)) {
		release_entry(r, w);
		miss(r, w);
		return true;
	}
	w->ended = has_ended(r, w);
	if (r->now_ns - w->since_ns > FAILS_NS)
		release_entry(r, w);
	return false;
}

void watch_round(struct recorder *r, bool all_known)
{
	look_at_entries(r);
	if (all_known)
		births_judge(r); /* those that hooks noted are watched already */
	for (uint32_t i = r->watches.count; i-- > 0;)
		if (try_settle(r, r->watches.list[i], all_known))
			drop(r, i);
}

bool watch_waits(const struct recorder *r)
{
	for (uint32_t i = 0; i < r->watches.count; i++)
		if (r->watches.list[i]->ended || r->now_ns - r->watches.list[i]->since_ns < ATTACHES_NS)
			return true;
	return false;
}

/* ---- the end ---- */

static void tell(struct recorder *r, const struct missed *m)
{
	char text[2048], more[64] = "", starter[SHM_PROGRAM_BYTES + 32] = "";

	if (m->count > 1)
		snprintf(more, sizeof(more), ", and %llu more like it", (unsigned long long)m->count - 1);
	if (m->starter[0])
		snprintf(starter, sizeof(starter), ", which %s started,", m->starter);
	snprintf(text, sizeof(text), "%s (pid %u%s)%s was not recorded because %s", m->path, m->pid, more, starter, m->why);
	recorder_notice(r, text);
}

void watch_finish(struct recorder *r)
{
	const uint32_t untold = atomic_load(&r->shm->execs.untold);
	char text[128];

	for (uint32_t i = 0; i < r->watches.count; i++) {
		struct watch *const w = r->watches.list[i];

		if (has_attached(r, w) || was_withdrawn(r, w))
			continue;
		/* when the recording is stopped, a program that was just executed may have come too late to attach */
		if (!r->bounds.stopped_by || r->now_ns - w->since_ns > ATTACHES_NS)
			miss(r, w);
	}
	for (uint32_t i = 0; i < r->watches.missed_count; i++)
		tell(r, &r->watches.missed[i]);
	if (r->watches.missed_more) {
		snprintf(text, sizeof(text), "%llu more programs were not recorded, for other reasons",
			 (unsigned long long)r->watches.missed_more);
		recorder_notice(r, text);
	}
	if (untold && recorder_believes(r, untold)) {
		snprintf(text, sizeof(text), "%u programs were started faster than the recorder could follow: it does not know whether "
					     "they were recorded",
			 untold);
		recorder_notice(r, text);
	}
}

void watch_release(struct recorder *r)
{
	while (r->watches.count)
		drop(r, r->watches.count - 1);
	for (uint32_t i = 0; i < r->watches.missed_count; i++) {
		free(r->watches.missed[i].path);
		free(r->watches.missed[i].why);
	}
	r->watches.missed_count = 0;
}
