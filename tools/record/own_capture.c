/* own_capture - see own_capture.h. */
#include "own_capture.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "excerpt.h"
#include "proc.h"
#include "python_codes.h"
#include "replay/totals.h"
#include "traced.h"

#define FLUSH_NS 1000000000u

struct own_capture {
	struct excerpt excerpt;
	struct own_capture_setup setup;
	struct trace *trace;
	struct aggregation *aggregation; /* NULL: events are written */
	int fd; /* open, and locked, until it is finished; -1 */
	bool ended;
	uint64_t began_ns, next_sample_ns, next_flush_ns;
	uint64_t events;
	pid_t finisher; /* 0: there is none, or it has ended */
	int error;
};

/* ---- beginning ---- */

int own_capture_open(const struct recorder *r, const struct process *p, uint64_t number)
{
	char path[64];
	int fd;

	if (number > INT_MAX || proc_segment(r, p->pid) != THERE) {
		errno = EBADF;
		return -1;
	}
	fd = proc_take_descriptor(p->pid, (int)number);
	if (fd >= 0 && (fcntl(fd, F_GETFL) & O_ACCMODE) != O_RDWR) {
		close(fd);
		errno = EACCES;
		return -1;
	}
	if (fd >= 0 || !proc_has_our_rights(p->pid))
		return fd;
	snprintf(path, sizeof(path), "/proc/%u/fd/%d", p->pid, (int)number);
	return open(path, O_RDWR | O_CLOEXEC | O_NOCTTY);
}

static int make(struct own_capture *c, int fd)
{
	const bool sums = c->setup.flags & SHM_CAPTURE_AGGREGATED;
	struct excerpt *const x = &c->excerpt;

	c->trace = trace_new(c->setup.nframe, x->r->rotation.header.page_bytes);
	if (!c->trace || (sums && aggregation_new(&c->aggregation, 1) != 0))
		return ENOMEM;
	if (sums)
		heap_set_page_bytes(aggregation_heap(c->aggregation), x->r->rotation.header.page_bytes);
	c->fd = fd;
	recorder_lock(fd);
	errno = 0;
	if (excerpt_begin(x, fd, sums ? TRK_CONTENT_AGGREGATED : TRK_CONTENT_EVENTS,
			  c->setup.flags & SHM_CAPTURE_UNPACKED ? TRK_PACK_NONE : TRK_PACK_BEST) != 0)
		return errno ? errno : ENOMEM;
	writer_health(x->to, "nframe", c->setup.nframe);
	writer_health(x->to, "traceback_limit", c->setup.nframe);
	return writer_flush(x->to) ? writer_error(x->to) : 0;
}

struct own_capture *own_capture_begin(const struct recorder *r, const struct process *p, int fd, const struct own_capture_setup *setup)
{
	struct own_capture *const c = calloc(1, sizeof(*c));
	int error = ENOMEM;

	if (c) {
		c->setup = *setup;
		c->fd = -1;
		c->began_ns = r->now_ns;
		c->excerpt = (struct excerpt){ .r = r, .process = p, .nframe = python_frames_kept(p, setup->nframe) };
		error = make(c, fd);
	}
	if (!error)
		return c;
	if (c) {
		c->fd = -1;
		own_capture_free(c);
	}
	close(fd);
	errno = error;
	return NULL;
}

int own_capture_plan(const struct own_capture *parent, struct own_capture_plan **ret)
{
	struct own_capture_plan *plan;
	char name[64];

	*ret = NULL;
	if (parent->ended || !(parent->setup.flags & SHM_CAPTURE_FOLLOWS_FORK))
		return 0;
	plan = calloc(1, sizeof(*plan));
	if (!plan)
		return ENOMEM;
	plan->setup = parent->setup;
	plan->has_rights = proc_has_our_rights(parent->excerpt.process->pid);
	snprintf(name, sizeof(name), "/proc/self/fd/%d", parent->fd);
	if (readlink(name, plan->path, sizeof(plan->path) - 1) < 0) {
		const int error = errno;

		free(plan);
		return error;
	}
	*ret = plan;
	return 0;
}

struct own_capture *own_capture_fork(const struct own_capture_plan *plan, const struct recorder *r, const struct process *p)
{
	const int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | (plan->setup.flags & SHM_CAPTURE_OVERWRITES ? O_TRUNC : O_EXCL);
	char path[PATH_MAX + 16];
	int fd;

	/*
	 * The recorder makes this file, so the program must be one that could make it with the same rights, or its parent. A child that has
	 * ended has none.
	 */
	if (!plan->has_rights && !proc_has_our_rights(p->pid)) {
		errno = EPERM;
		return NULL;
	}
	snprintf(path, sizeof(path), "%s.%u", plan->path, p->pid);
	fd = open(path, flags, 0600);
	return fd < 0 ? NULL : own_capture_begin(r, p, fd, &plan->setup);
}

/* ---- events ---- */

void own_capture_apply(struct own_capture *c, const struct trk_event *e)
{
	struct excerpt *const x = &c->excerpt;
	struct trk_event own = *e;

	if (c->ended)
		return;
	trace_apply(c->trace, e);
	own.ref = trace_last_ref(c->trace);
	own.process = 0;
	own.thread = excerpt_thread(x, x->process, e->thread);
	own.node = excerpt_node(x, e->node);
	c->events++;
	if (c->aggregation) {
		own.ref = TRK_REF_UNKNOWN;
		x->no_memory |= aggregation_apply(c->aggregation, &own) < 0;
		return;
	}
	if (own.kind == TRK_MARK)
		writer_mark(x->to, &own);
	writer_event(x->to, &own);
}

void own_capture_domain(struct own_capture *c, uint32_t domain, const char *name)
{
	if (!c->ended)
		writer_domain(c->excerpt.to, &(struct trk_domain){ .domain = domain, .name = name });
}

void own_capture_tick(struct own_capture *c)
{
	const struct excerpt *const x = &c->excerpt;
	const uint64_t now_ns = x->r->now_ns;
	int statm = -1;

	if (c->ended)
		return;
	if (c->setup.memory_interval_ns && now_ns >= c->next_sample_ns) {
		const uint64_t resident = proc_resident_pages(x->process->pid, &statm);

		if (statm >= 0)
			close(statm);
		if (resident)
			writer_rss(x->to, 0, now_ns, resident * (uint64_t)sysconf(_SC_PAGESIZE));
		c->next_sample_ns = now_ns + c->setup.memory_interval_ns;
	}
	if (now_ns >= c->next_flush_ns) {
		writer_flush(x->to);
		c->next_flush_ns = now_ns + FLUSH_NS;
	}
}

/* ---- the end ---- */

void own_capture_tell_unfollowed(const struct recorder *r, struct writer *w)
{
	char text[256];

	if (!r->counters.unfollowed)
		return;
	snprintf(text, sizeof(text), "forked processes without a capture of their own, although their parents' captures follow forks: %llu (%s)",
		 (unsigned long long)r->counters.unfollowed, strerror(r->counters.unfollowed_error));
	writer_notice(w, text);
}

/* Runs in the copy. Returns an errno or 0. */
static int finish(struct own_capture *c)
{
	struct excerpt *const x = &c->excerpt;
	const struct heap_totals *const t = heap_totals(c->aggregation ? aggregation_heap(c->aggregation) : trace_heap(c->trace));

	excerpt_names(x);
	totals_write_summary(x->to, t, 1, x->thread_count);
	writer_health(x->to, "events", c->events);
	writer_health(x->to, "lost", trace_lost(c->trace));
	writer_health(x->to, "end_ns", x->r->now_ns);
	if (x->no_memory)
		writer_notice(x->to, "the recorder ran out of memory: some stacks or threads are missing");
	own_capture_tell_unfollowed(x->r, x->to);
	if (c->aggregation)
		aggregation_write(c->aggregation, x->to);
	writer_finish(x->to);
	return writer_error(x->to);
}

void own_capture_end(struct own_capture *c)
{
	pid_t pid;

	if (c->ended || c->fd < 0)
		return;
	c->ended = true;
	excerpt_tell_again(&c->excerpt);
	/* otherwise both would write the pending bytes */
	c->error = writer_flush(c->excerpt.to) ? writer_error(c->excerpt.to) : 0;
	pid = fork();
	if (pid == 0)
		_exit(finish(c));
	c->finisher = pid > 0 ? pid : 0;
	if (pid < 0)
		c->error = finish(c); /* no copy could be made: writes it here, and the programs wait */
}

bool own_capture_has_ended(const struct own_capture *c)
{
	return c->ended;
}

bool own_capture_is_finished(struct own_capture *c, bool wait, int *ret_error)
{
	int status = 0;

	if (c->finisher) {
		pid_t pid;

		do
			pid = waitpid(c->finisher, &status, wait ? 0 : WNOHANG);
		while (pid < 0 && errno == EINTR);
		if (pid == 0)
			return false;
		c->finisher = 0;
		if (!c->error)
			c->error = pid < 0 || !WIFEXITED(status) ? EIO : WEXITSTATUS(status);
	}
	if (c->ended && c->fd >= 0) {
		close(c->fd);
		c->fd = -1;
	}
	*ret_error = c->error;
	return true;
}

const struct trace *own_capture_trace(const struct own_capture *c)
{
	return c->trace;
}

void own_capture_free(struct own_capture *c)
{
	int unused;

	if (!c)
		return;
	own_capture_end(c);
	(void)own_capture_is_finished(c, true, &unused);
	excerpt_release(&c->excerpt);
	aggregation_free(c->aggregation);
	trace_free(c->trace);
	free(c);
}
