/* snapshots - see snapshots.h. */
#include "snapshots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "format/array.h"
#include "replay/heap_saved.h"
#include "node_frames.h"
#include "traced.h"

#define AT_ONCE 64u /* a program that takes more and opens none of them has forgotten them */

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

struct writing {
	struct recorder *r;
	const struct process *process;
	struct writer *to;
	uint32_t nframe;
	uint32_t *nodes, *modules; /* there, by number here; 0: not written yet */
	uint32_t node_room, module_room;
	uint32_t *threads; /* likewise, + 1 */
	uint32_t thread_room, thread_count;
	uint64_t (*frames)[2]; /* of one stack, most recent first: module there, offset */
	uint32_t frame_room;
	bool no_memory;
};

static uint32_t module_of(struct writing *w, uint32_t module)
{
	if (!module || module >= w->r->module_count || !ARRAY_ZEROES(w->modules, w->module_room, module + 1, 64))
		return 0;
	if (!w->modules[module])
		w->modules[module] = writer_module(w->to, &w->r->modules[module].record);
	return w->modules[module];
}

/* Writes the frames of a stack that are kept; the node there. */
static uint32_t write_stack(struct writing *w, const struct stack *s)
{
	uint32_t at = s->node, node = 0;

	if (!ARRAY_ROOM(w->frames, w->frame_room, s->kept, 64)) {
		w->no_memory = true;
		return 0;
	}
	for (uint32_t i = 0; i < s->kept; i++) {
		uint32_t module;

		at = stack_next(w->r->writer, at, &module, &w->frames[i][1]);
		w->frames[i][0] = module_of(w, module);
	}
	for (uint32_t i = s->kept; i--;)
		node = writer_node(w->to, node, writer_frame(w->to, (uint32_t)w->frames[i][0], w->frames[i][1]));
	if (s->total > s->kept)
		node = writer_node(w->to, node, writer_frame(w->to, 0, TRK_FRAME_DEPTH + s->total));
	return node;
}

static uint32_t node_of(struct writing *w, uint32_t node)
{
	if (!node)
		return 0;
	if (!ARRAY_ZEROES(w->nodes, w->node_room, node + 1, 4096)) {
		w->no_memory = true;
		return 0;
	}
	if (!w->nodes[node]) {
		const struct stack s = stack_look(w->r->writer, node, w->nframe);

		w->nodes[node] = write_stack(w, &s);
	}
	return w->nodes[node];
}

/* A thread that has ended has no name here any more. */
static void write_thread(struct writing *w, uint32_t thread, uint32_t there)
{
	struct trk_thread told = { .index = there, .name = "", .end_ns = UINT64_MAX };

	for (size_t i = 0; i < w->process->stream_count; i++) {
		const struct stream *const s = w->process->streams[i];

		if (s->thread != thread)
			continue;
		told.tid = s->tid;
		told.name = s->name;
		told.start_ns = s->start_ns;
		told.main = s->tid == w->process->pid;
	}
	writer_thread(w->to, &told);
}

static uint32_t thread_of(struct writing *w, uint32_t thread)
{
	if (!ARRAY_ZEROES(w->threads, w->thread_room, thread + 1, 64)) {
		w->no_memory = true;
		return 0;
	}
	if (!w->threads[thread]) {
		write_thread(w, thread, w->thread_count);
		w->threads[thread] = ++w->thread_count;
	}
	return w->threads[thread] - 1;
}

static void write_process(struct writing *w)
{
	const struct process *const p = w->process;

	writer_process(w->to, &(struct trk_process){
				      .pid = p->pid,
				      .ppid = p->ppid,
				      .parent = UINT32_MAX,
				      .start_ns = p->start_ns,
				      .end_ns = UINT64_MAX,
				      .name = p->name ? p->name : "",
				      .executable = p->executable ? p->executable : "",
				      .command_line = p->command,
				      .command_line_bytes = (uint32_t)p->command_bytes,
				      .libc = p->libc,
				      .host = w->r->host,
				      .system = w->r->system,
			      });
}

static void put_process(void *data, const struct keyframe_process *p)
{
	const struct keyframe_process own = { 0 };

	(void)p;
	writer_keyframe_process(((struct writing *)data)->to, &own);
}

static void put_block(void *data, const struct keyframe_block *b)
{
	struct writing *const w = data;
	struct keyframe_block own = *b;

	own.node = node_of(w, b->node);
	own.thread = thread_of(w, b->thread);
	own.aside_thread = b->aside ? thread_of(w, b->aside_thread) : 0;
	writer_keyframe_block(w->to, &own);
}

static struct trk_header header_of(const struct recorder *r)
{
	struct trk_header h = r->rotation.header;

	h.content = TRK_CONTENT_EVENTS;
	h.id ^= r->now_ns | 1;
	return h;
}

static int write_snapshot(struct writing *w, int fd)
{
	const struct trk_header header = header_of(w->r);
	const struct heap_saver saver = { .data = w, .process = put_process, .block = put_block };
	const struct heap *const heap = trace_heap(w->process->trace);

	if (writer_new(&w->to, fd, &header) != 0)
		return ENOMEM;
	writer_set_packing(w->to, TRK_PACK_LZ4);
	write_process(w);
	writer_keyframe_begin(w->to, w->r->now_ns, 0, 0, heap_save_bound(heap), true);
	w->no_memory |= heap_save(heap, &saver) != 0;
	writer_keyframe_end(w->to);
	writer_health(w->to, "began_ns", w->r->now_ns);
	writer_health(w->to, "end_ns", w->r->now_ns);
	writer_health(w->to, "traceback_limit", w->nframe);
	writer_finish(w->to);
	return w->no_memory ? ENOMEM : writer_error(w->to);
}

/* ---- the list: in the recorder ---- */

static struct snapshot *find(const struct recorder *r, uint64_t number)
{
	for (unsigned i = 0; r->snapshots && i < AT_ONCE; i++)
		if (r->snapshots->list[i].number == number)
			return &r->snapshots->list[i];
	return NULL;
}

int64_t snapshot_take(struct recorder *r, const struct process *p)
{
	struct writing w = { .r = r, .process = p, .nframe = trace_nframe(p->trace) };
	struct snapshot *s;

	if (!r->snapshots)
		r->snapshots = calloc(1, sizeof(*r->snapshots));
	s = find(r, 0);
	if (!s)
		return r->snapshots ? TRK_ERR_IO : TRK_ERR_NOMEM;
	const int fd = memfd_create("tracker-snapshot", MFD_CLOEXEC);
	const pid_t pid = fd < 0 ? -1 : fork();

	if (pid == 0)
		_exit(write_snapshot(&w, fd));
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
