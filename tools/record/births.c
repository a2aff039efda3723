/* births - see births.h. */
#include "births.h"
#include "process.h"
#include "proc.h"
#include "watch.h"

#include "tools/connector.h"

#include "format/array.h"

#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define EVENTS 512u /* so many events in a round; the others wait in the socket */
#define EVENT_AT (NLMSG_HDRLEN + sizeof(struct cn_msg)) /* in a message */
#define NEWEST 4096u /* so many processes are asked whether they were the parent */

struct birth {
	uint32_t what, pid, parent;
	uint64_t number; /* at least so many programs had attached before it */
	char *path; /* path of the executed file; NULL: it is not known any more */
};

/* A process below the recorded ones, from its start to its end. */
struct offspring {
	uint32_t pid, parent;
};

struct births {
	int socket;
	uint64_t number; /* how many programs had attached when the socket was last empty */
	struct birth events[EVENTS];
	uint32_t count;
	bool heard, lost; /* the kernel has told something; it has not told everything */
	bool behind; /* the socket holds more than was read */
	struct offspring *offspring;
	size_t offspring_count, offspring_room;
};

void births_begin(struct recorder *r, int connector)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = NULL };
	struct births *const b = calloc(1, sizeof(*b));

	/* woken at once: a process that lives for a millisecond has a name only as long */
	if (!b || epoll_ctl(r->epoll, EPOLL_CTL_ADD, connector, &event) < 0) {
		connector_close(connector);
		free(b);
		return;
	}
	b->socket = connector;
	r->births = b;
}

static void forget(struct births *b)
{
	for (uint32_t i = 0; i < b->count; i++)
		free(b->events[i].path);
	b->count = 0;
}

void births_end(struct births *b)
{
	if (!b)
		return;
	connector_close(b->socket);
	forget(b);
	free(b->offspring);
	free(b);
}

/* ---- reading ---- */

static char *path_of(uint32_t pid)
{
	char path[SHM_EXECUTABLE_BYTES];

	if (!proc_executable(pid, path)) /* it has ended; its parent may not have asked for its status yet */
		proc_thread_name(pid, pid, path);
	return path[0] ? strdup(path) : NULL;
}

/* Threads are of no interest. */
static void note(struct births *b, const struct proc_event *e)
{
	struct birth *const new = &b->events[b->count];

	if (e->what == PROC_EVENT_FORK && e->event_data.fork.child_pid == e->event_data.fork.child_tgid)
		*new = (struct birth){
			.what = e->what,
			.pid = (uint32_t)e->event_data.fork.child_tgid,
			.parent = (uint32_t)e->event_data.fork.parent_tgid,
		};
	else if (e->what == PROC_EVENT_EXEC)
		*new = (struct birth){
			.what = e->what,
			.pid = (uint32_t)e->event_data.exec.process_tgid,
			.path = path_of((uint32_t)e->event_data.exec.process_tgid),
		};
	else if (e->what == PROC_EVENT_EXIT && e->event_data.exit.process_pid == e->event_data.exit.process_tgid)
		*new = (struct birth){ .what = e->what, .pid = (uint32_t)e->event_data.exit.process_tgid };
	else
		return;
	new->number = b->number;
	b->count++;
}

void births_read(struct recorder *r)
{
	struct births *const b = r->births;
	uint8_t bytes[512];
	struct proc_event event;

	if (!b)
		return;
	const uint64_t number = atomic_load(&r->shm->header.programs);

	b->behind = true;
	while (b->count < EVENTS) {
		const ssize_t n = recv(b->socket, bytes, sizeof(bytes), 0);

		if (n < 0 && (errno == ENOBUFS || errno == EINTR)) {
			b->lost |= errno == ENOBUFS;
			continue;
		}
		if (n < 0) {
			b->number = number;
			b->behind = false;
			return;
		}
		if ((size_t)n < EVENT_AT + sizeof(event))
			continue;
		memcpy(&event, bytes + EVENT_AT, sizeof(event));
		note(b, &event);
		b->heard = true;
	}
}

/* ---- judging ---- */

static struct offspring *find(struct births *b, uint32_t pid)
{
	for (size_t i = b->offspring_count; i-- > 0;)
		if (b->offspring[i].pid == pid)
			return &b->offspring[i];
	return NULL;
}

static void add(struct births *b, uint32_t pid, uint32_t parent)
{
	if (!ARRAY_ROOM(b->offspring, b->offspring_room, b->offspring_count + 1, 64)) {
		b->lost = true;
		return;
	}
	b->offspring[b->offspring_count++] = (struct offspring){ pid, parent };
}

/* The process is recorded. It may have ended since the event, but no other process has got its pid so soon. */
static const struct process *recorded(const struct recorder *r, uint32_t pid)
{
	const struct process *const live = process_by_pid(r, pid);
	const size_t n = r->process_count, end = n > NEWEST ? n - NEWEST : 0;

	for (size_t i = n; !live && i-- > end;)
		if (r->processes[i]->pid == pid && r->processes[i]->end_ns >= r->before_ns)
			return r->processes[i];
	return live;
}

static void forked(struct recorder *r, const struct birth *e)
{
	if (find(r->births, e->parent) || recorded(r, e->parent))
		add(r->births, e->pid, e->parent);
}

static void executed(struct recorder *r, const struct birth *e)
{
	const struct process *p = recorded(r, e->pid);
	const struct offspring *const o = find(r->births, e->pid);

	if (!(p ? p->attached : o != NULL)) /* an unrelated process, or the program with which the recording begins */
		return;
	if (!p)
		p = recorded(r, o->parent);
	watch_executed(r, e->pid, e->path, p ? p->name : NULL, e->number);
}

static void ended(struct births *b, uint32_t pid)
{
	struct offspring *const o = find(b, pid);

	if (o)
		*o = b->offspring[--b->offspring_count];
}

void births_judge(struct recorder *r)
{
	struct births *const b = r->births;

	if (!b)
		return;
	for (uint32_t i = 0; i < b->count; i++) {
		const struct birth *const e = &b->events[i];

		if (e->what == PROC_EVENT_FORK)
			forked(r, e);
		else if (e->what == PROC_EVENT_EXEC)
			executed(r, e);
		else
			ended(b, e->pid);
	}
	forget(b);
}

bool births_behind(const struct recorder *r)
{
	return r->births && (r->births->behind || r->births->count);
}

bool births_rule_out(const struct recorder *r)
{
	const struct births *const b = r->births;

	return b && b->heard && !b->lost && !b->count && !b->offspring_count;
}
