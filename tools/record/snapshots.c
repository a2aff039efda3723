/* snapshots - see snapshots.h. */
#include "snapshots.h"
#include "excerpt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "python_codes.h"
#include "replay/heap_saved.h"
#include "traced.h"

#define AT_ONCE 64u /* a program that takes more, and opens none of them, has forgotten them */

struct snapshot {
	uint64_t number; /* 0: a free place */
	const struct process *process;
	int fd;
	pid_t writer; /* 0: it has ended */
	bool failed;
};

struct snapshots {
	struct snapshot list[AT_ONCE];
	uint64_t taken;
};

/* ---- writing: in the copy ---- */

static void put_process(void *data, const struct keyframe_process *p)
{
	const struct keyframe_process own = { 0 };

	(void)p;
	writer_keyframe_process(((struct excerpt *)data)->to, &own);
}

static void put_block(void *data, const struct keyframe_block *b)
{
	struct excerpt *const x = data;
	struct keyframe_block own = *b;

	own.node = excerpt_node(x, b->node);
	own.thread = excerpt_thread(x, x->process, b->thread);
	own.aside_thread = b->aside ? excerpt_thread(x, x->process, b->aside_thread) : 0;
	writer_keyframe_block(x->to, &own);
}

static int write_snapshot(struct excerpt *x, const struct trace *trace, int fd)
{
	const struct heap_saver saver = { .data = x, .process = put_process, .block = put_block };
	const struct heap *const heap = trace_heap(trace);
	int error;

	if (excerpt_begin(x, fd, TRK_CONTENT_EVENTS, TRK_PACK_LZ4) != 0)
		return ENOMEM;
	writer_keyframe_begin(x->to, x->r->now_ns, 0, 0, heap_save_bound(heap), true);
	x->no_memory |= heap_save(heap, &saver) != 0;
	writer_keyframe_end(x->to);
	writer_health(x->to, "began_ns", x->r->now_ns);
	writer_health(x->to, "end_ns", x->r->now_ns);
	writer_health(x->to, "traceback_limit", trace_nframe(trace));
	writer_finish(x->to);
	error = x->no_memory ? ENOMEM : writer_error(x->to);
	return error;
}

/* ---- the list: in the recorder ---- */

static struct snapshot *find(const struct recorder *r, uint64_t number)
{
	for (unsigned i = 0; r->snapshots && i < AT_ONCE; i++)
		if (r->snapshots->list[i].number == number)
			return &r->snapshots->list[i];
	return NULL;
}

int64_t snapshot_take(struct recorder *r, const struct process *p, const struct trace *trace)
{
	struct excerpt x = { .r = r, .process = p, .nframe = python_frames_kept(p, trace_nframe(trace)) };
	struct snapshot *s;

	if (!r->snapshots)
		r->snapshots = calloc(1, sizeof(*r->snapshots));
	s = find(r, 0);
	if (!s)
		return r->snapshots ? TRK_ERR_IO : TRK_ERR_NOMEM;
	const int fd = memfd_create("tracker-snapshot", MFD_CLOEXEC);
	const pid_t pid = fd < 0 ? -1 : fork();

	if (pid == 0)
		_exit(write_snapshot(&x, trace, fd));
	if (pid < 0) {
		if (fd >= 0)
			close(fd);
		return TRK_ERR_IO;
	}
	*s = (struct snapshot){ .number = ++r->snapshots->taken, .process = p, .fd = fd, .writer = pid };
	return (int64_t)s->number;
}

enum snapshot_state snapshot_look(struct recorder *r, uint64_t number, int *ret_fd)
{
	struct snapshot *const s = number ? find(r, number) : NULL;
	int status = 0;

	if (!s)
		return SNAPSHOT_UNKNOWN;
	if (s->writer) {
		const pid_t pid = waitpid(s->writer, &status, WNOHANG);

		if (pid == 0 || (pid < 0 && errno == EINTR))
			return SNAPSHOT_BEING_WRITTEN;
		s->writer = 0;
		s->failed = pid < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0;
	}
	*ret_fd = s->fd;
	return s->failed ? SNAPSHOT_FAILED : SNAPSHOT_WRITTEN;
}

static void drop(struct snapshot *s)
{
	if (s->writer)
		(void)waitpid(s->writer, NULL, 0);
	close(s->fd);
	s->number = 0;
}

void snapshot_drop(struct recorder *r, uint64_t number)
{
	struct snapshot *const s = number ? find(r, number) : NULL;

	if (s)
		drop(s);
}

void snapshot_drop_all(struct recorder *r, const struct process *p)
{
	for (unsigned i = 0; r->snapshots && i < AT_ONCE; i++)
		if (r->snapshots->list[i].number && (!p || r->snapshots->list[i].process == p))
			drop(&r->snapshots->list[i]);
	if (!p) {
		free(r->snapshots);
		r->snapshots = NULL;
	}
}
