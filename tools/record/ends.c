/* ends - see ends.h. */
#include "ends.h"
#include "proc.h"
#include "process.h"
#include "round.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#define POLL_NS 5000000u
#define EVENTS 64

static bool has_ended(const struct process *p)
{
	struct pollfd f = { .fd = p->pidfd, .events = POLLIN };

	if (p->pidfd >= 0)
		return poll(&f, 1, 0) > 0 && f.revents & POLLIN;
	return (kill((pid_t)p->pid, 0) < 0 && errno == ESRCH) || proc_is_zombie(p->pid);
}

void ends_set(struct recorder *r, struct process *p)
{
	if (p->dying)
		return;
	p->dying = true;
	p->over = atomic_load(&r->shm->header.programs);
	if (!p->polled)
		epoll_ctl(r->epoll, EPOLL_CTL_DEL, p->pidfd, NULL);
}

static void look(struct recorder *r, struct process *p)
{
	if (!p->dying && has_ended(p))
		ends_set(r, p);
}

void ends_watch(struct recorder *r, struct process *p)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = p };

	p->polled = p->pidfd < 0 || epoll_ctl(r->epoll, EPOLL_CTL_ADD, p->pidfd, &event) < 0;
	r->polled_count += p->polled;
	if (p->polled)
		look(r, p);
}

void ends_poll(struct recorder *r)
{
	if (!r->polled_count || r->now_ns < r->next_poll_ns)
		return;
	r->next_poll_ns = r->now_ns + POLL_NS;
	for (size_t i = 0; i < r->live_count; i++)
		if (r->live[i]->polled)
			look(r, r->live[i]);
}

bool ends_mark(struct recorder *r, const struct epoll_event *events, int count)
{
	bool others = false;

	for (int i = 0; i < count; i++) {
		if (events[i].data.ptr)
			ends_set(r, events[i].data.ptr);
		else
			others = true;
	}
	return others;
}

void ends_look(struct recorder *r)
{
	struct epoll_event events[EVENTS];
	int n;

	do {
		n = epoll_wait(r->epoll, events, EVENTS, 0);
		(void)ends_mark(r, events, n);
	} while (n == EVENTS);
	ends_poll(r);
}

/* UINT64_MAX: nobody has told. */
static uint64_t said_over(const struct recorder *r, const struct process *p)
{
	if (p->slot == NO_SLOT)
		return UINT64_MAX;
	return atomic_load(&r->shm->lives[p->slot].over) - 1;
}

static uint64_t over(const struct recorder *r, const struct process *p)
{
	const uint64_t said = said_over(r, p);

	return said < p->over ? said : p->over;
}

/*
 * The process executed another program that is not bound yet: it was about to attach when the recorder looked for
 * attached ones, and has ended since. No other process of that pid has a number from before its end.
 */
static bool is_arriving(const struct recorder *r, const struct process *p)
{
	const uint32_t high = atomic_load_explicit(&r->shm->header.process_high, memory_order_acquire);
	const uint32_t pid = p->inner_pid ? p->inner_pid : p->pid;
	const uint64_t started = atomic_load(&r->shm->header.programs); /* a program that is not among them will never be bound */

	for (uint32_t i = 0; i < high && i < SHM_PROCESSES; i++) {
		const struct shm_process *const slot = &r->shm->processes[i];
		const uint32_t state = atomic_load_explicit(&r->shm->process_states[i], memory_order_acquire);

		if (!r->slot_process[i] && (state == SHM_LIVE || state == SHM_EXITED) && slot->pid == pid &&
		    slot->origin != SHM_FORKED && p->last_program < slot->number && slot->number < over(r, p) &&
		    slot->number < started)
			return true;
	}
	return false;
}

static bool is_due(const struct recorder *r, const struct process *p, uint64_t number)
{
	return p->dying && over(r, p) <= number && !is_arriving(r, p);
}

/* Notes are believed only about processes that have ended. */
bool ends_due(struct recorder *r, uint64_t number)
{
	bool any = false;

	for (size_t i = 0; i < r->live_count; i++) {
		struct process *const p = r->live[i];

		if (said_over(r, p) <= number)
			look(r, p);
		any |= is_due(r, p, number);
	}
	return any && !r->bounds.full; /* a full file lacks events, and so it lacks ends */
}

static bool stops(const struct process *p)
{
	return p->stop != UINT64_MAX;
}

/* A parent that stops for a child has ended after the child, even if both may have ended before the same program. */
static bool ends_before(const struct recorder *r, const struct process *a, const struct process *b)
{
	return stops(a) != stops(b) ? stops(b) : over(r, a) < over(r, b);
}

static struct process *first_due(struct recorder *r, uint64_t number)
{
	struct process *first = NULL;

	ends_find_stops(r);
	for (size_t i = 0; i < r->live_count; i++) {
		struct process *const p = r->live[i];

		if (is_due(r, p, number) && (!first || ends_before(r, p, first)))
			first = p;
	}
	return first;
}

void ends_apply(struct recorder *r, uint64_t number)
{
	struct process *p;

	/* counts the blocks of all that ran side by side, before the first of them releases its blocks */
	ends_find_stops(r);
	for (size_t i = 0; i < r->live_count && !r->bounds.full; i++)
		if (is_due(r, r->live[i], number) && !stops(r->live[i]))
			round_drain(r, r->live[i]);
	while (!r->bounds.full && (p = first_due(r, number)))
		process_end(r, p);
}

/* ---- parents that have waited ---- */

/*
 * The note about the slot's process. 0: there is none, or the process has neither attached nor will it (no program
 * has that number).
 */
static uint64_t waited_in(const struct recorder *r, uint32_t slot)
{
	const uint64_t waited = atomic_load(&r->shm->lives[slot].waited);
	const uint32_t state = waited ? atomic_load(&r->shm->process_states[slot]) : SHM_FREE;

	if (state != SHM_LIVE && state != SHM_EXITED)
		return 0;
	return r->slot_process[slot] || r->shm->processes[slot].number < atomic_load(&r->shm->header.programs) ? waited : 0;
}

/* The process that has waited. NULL: it is not recorded, or says this of itself. */
static struct process *who_waited(const struct recorder *r, uint32_t slot, uint64_t waited)
{
	const uint32_t of = SHM_WAITED_SLOT(waited);

	return waited && of < SHM_PROCESSES && of != slot ? r->slot_process[of] : NULL;
}

void ends_find_stops(struct recorder *r)
{
	uint32_t high = atomic_load_explicit(&r->shm->header.process_high, memory_order_acquire);

	if (high > SHM_PROCESSES)
		high = SHM_PROCESSES;
	for (size_t i = 0; i < r->live_count; i++)
		r->live[i]->stop = UINT64_MAX;
	if (r->bounds.full || r->discard || r->out_of_memory) /* some programs may never be bound, or never end */
		return;
	for (uint32_t i = 0; i < high; i++) {
		const uint64_t waited = waited_in(r, i);
		struct process *const parent = who_waited(r, i, waited);

		if (parent && SHM_WAITED_EPOCH(waited) < parent->stop)
			parent->stop = SHM_WAITED_EPOCH(waited);
	}
}

void ends_find_waited(struct recorder *r)
{
	for (size_t i = 0; i < r->live_count; i++) {
		struct process *const p = r->live[i];

		p->waited_for = p->slot != NO_SLOT && who_waited(r, p->slot, waited_in(r, p->slot));
		if (!p->waited_for)
			continue;
		look(r, p);
		if (!p->dying) /* nothing but a lie */
			atomic_store(&r->shm->lives[p->slot].waited, 0);
		p->waited_for = p->dying;
	}
}

/* The first process to end among those that a parent stops for. If one of them stops itself, its children come before it. */
static struct process *first_waited(const struct recorder *r)
{
	struct process *first = NULL;

	for (size_t i = 0; i < r->live_count; i++) {
		struct process *const p = r->live[i];

		if (p->waited_for && !stops(p) && is_due(r, p, r->bound) && (!first || over(r, p) < over(r, first)))
			first = p;
	}
	return first;
}

/* What the processes that have ended, and began before `p` ended, held beside it. */
static void drain_beside(struct recorder *r, const struct process *p)
{
	for (size_t i = 0; i < r->live_count; i++) {
		struct process *const other = r->live[i];

		if (other != p && other->first_program < over(r, p) && other->dying && !stops(other))
			round_drain(r, other);
	}
}

/* A process that has ended says nothing more, so everything that it waited for is known. */
static void look_at_said(struct recorder *r)
{
	for (size_t i = 0; i < r->live_count; i++)
		if (said_over(r, r->live[i]) != UINT64_MAX)
			look(r, r->live[i]);
	ends_find_stops(r);
}

struct process *ends_apply_waited(struct recorder *r)
{
	struct process *p;

	do {
		p = first_waited(r);
		if (!p)
			return NULL;
		look_at_said(r);
	} while (stops(p));

	struct process *const parent = who_waited(r, p->slot, waited_in(r, p->slot));

	drain_beside(r, p);
	atomic_store(&r->shm->lives[p->slot].waited, 0);
	process_end(r, p);
	ends_find_stops(r);
	return parent;
}
