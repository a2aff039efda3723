/* excerpt - see excerpt.h. */
#include "excerpt.h"

#include <stdlib.h>

#include "format/array.h"
#include "node_frames.h"
#include "process_domains.h"
#include "python_codes.h"
#include "titles.h"

/* ---- modules, frames, nodes ---- */

static uint32_t module_of(struct excerpt *x, uint32_t module)
{
	if (!module || module >= x->r->module_count || !ARRAY_ZEROES(x->modules, x->module_room, module + 1, 64))
		return 0;
	if (!x->modules[module])
		x->modules[module] = writer_module(x->to, &x->r->modules[module].record);
	return x->modules[module];
}

static uint32_t frame_of(struct excerpt *x, uint32_t module, uint64_t offset)
{
	const uint32_t before = writer_frame_count(x->to), frame = writer_frame(x->to, module_of(x, module), offset);

	if (frame > before)
		python_name(x->r, module, offset, x->to, frame);
	return frame;
}

/* Writes the kept frames of a stack; returns the node in the excerpt. */
static uint32_t write_stack(struct excerpt *x, const struct stack *s)
{
	uint32_t at = s->node, node = 0;

	if (!ARRAY_ROOM(x->frames, x->frame_room, s->kept, 64)) {
		x->no_memory = true;
		return 0;
	}
	for (uint32_t i = 0; i < s->kept; i++) {
		uint32_t module;

		at = stack_next(x->r->writer, at, &module, &x->frames[i][1]);
		x->frames[i][0] = module;
	}
	for (uint32_t i = s->kept; i--;)
		node = writer_node(x->to, node, frame_of(x, (uint32_t)x->frames[i][0], x->frames[i][1]));
	if (s->total > s->kept)
		node = writer_node(x->to, node, writer_frame(x->to, 0, TRK_FRAME_DEPTH + s->total));
	return node;
}

uint32_t excerpt_node(struct excerpt *x, uint32_t node)
{
	if (!node)
		return 0;
	if (!ARRAY_ZEROES(x->nodes, x->node_room, node + 1, 4096)) {
		x->no_memory = true;
		return 0;
	}
	if (!x->nodes[node]) {
		const struct stack s = stack_look(x->r->writer, node, x->nframe);

		x->nodes[node] = write_stack(x, &s);
	}
	return x->nodes[node];
}

/* ---- processes and threads ---- */

static void write_process(const struct excerpt *x, const struct process *p, uint32_t index, uint32_t parent)
{
	uint32_t titled;
	const char *const title = titles_of(p, &titled);

	writer_process(x->to, &(struct trk_process){
				      .index = index,
				      .pid = p->pid,
				      .ppid = p->ppid,
				      .parent = parent,
				      .start_ns = p->start_ns,
				      .end_ns = p->end_ns,
				      .ended = p->ended,
				      .code = p->code,
				      .name = p->name ? p->name : "",
				      .executable = p->executable ? p->executable : "",
				      .command_line = p->command,
				      .command_line_bytes = (uint32_t)p->command_bytes,
				      .libc = p->libc,
				      .host = x->r->host,
				      .system = x->r->system,
				      .titled = titled,
				      .title = title,
			      });
}

static void write_processes(const struct excerpt *x)
{
	if (x->process)
		write_process(x, x->process, 0, UINT32_MAX);
	for (size_t i = 0; !x->process && i < x->r->process_count; i++)
		write_process(x, x->r->processes[i], (uint32_t)i, x->r->processes[i]->parent);
}

/* A thread that has ended and was written then is no longer known here: false. */
static bool write_thread(const struct excerpt *x, const struct process *p, uint32_t thread, uint32_t there)
{
	for (size_t i = 0; i < p->stream_count; i++) {
		const struct stream *const s = p->streams[i];

		if (s->thread != thread)
			continue;
		writer_thread(x->to, &(struct trk_thread){
					     .index = there,
					     .process = x->process ? 0 : p->index,
					     .tid = s->tid,
					     .start_ns = s->start_ns,
					     .end_ns = UINT64_MAX,
					     .name = s->name,
					     .main = s->tid == p->pid,
				     });
		return true;
	}
	return false;
}

uint32_t excerpt_thread(struct excerpt *x, const struct process *p, uint32_t thread)
{
	if (!ARRAY_ZEROES(x->threads, x->thread_room, thread + 1, 64)) {
		x->no_memory = true;
		return 0;
	}
	if (!x->threads[thread]) {
		if (!write_thread(x, p, thread, x->thread_count))
			writer_thread(x->to, &(struct trk_thread){ .index = x->thread_count, .process = x->process ? 0 : p->index, .name = "", .end_ns = UINT64_MAX });
		x->threads[thread] = ++x->thread_count;
	}
	return x->threads[thread] - 1;
}

void excerpt_tell_again(struct excerpt *x)
{
	write_processes(x);
	for (uint32_t i = 0; i < x->thread_room; i++)
		if (x->threads[i])
			(void)write_thread(x, x->process, i, x->threads[i] - 1);
}

/* ---- beginning and end ---- */

int excerpt_begin(struct excerpt *x, int fd, uint32_t content, enum trk_packing packing)
{
	struct trk_header header = x->r->rotation.header;
	int err;

	header.content = content;
	header.id ^= x->r->now_ns | 1;
	err = writer_new(&x->to, fd, &header);
	if (err)
		return err;
	writer_set_packing(x->to, packing);
	write_processes(x);
	if (x->process)
		process_domains_write(x->to, x->process, 0);
	for (size_t i = 0; !x->process && i < x->r->process_count; i++)
		process_domains_write(x->to, x->r->processes[i], (uint32_t)i);
	return 0;
}

void excerpt_release(struct excerpt *x)
{
	writer_free(x->to);
	free(x->nodes);
	free(x->modules);
	free(x->threads);
	free(x->frames);
	*x = (struct excerpt){ 0 };
}

/* ---- names ---- */

static void put_names(void *data, uint32_t frame, const struct trk_symbol_text *s, size_t n)
{
	writer_symbols(((struct excerpt *)data)->to, frame, s, n);
}

void excerpt_names(struct excerpt *x)
{
	struct embed_module *const modules = calloc(x->module_room + 1, sizeof(*modules));
	const struct embed_sink sink = { .symbols = put_names, .data = x };
	struct embed_report report = { 0 };
	uint32_t count = 1;

	if (!modules)
		return;
	for (uint32_t i = 0; i < x->module_room; i++)
		if (x->modules[i]) {
			modules[x->modules[i]] = x->r->modules[i];
			count = x->modules[i] >= count ? x->modules[i] + 1 : count;
		}
	writer_flush(x->to); /* first writes what was recorded, because reading files may fail */
	if (embed_writer_frames(x->to, modules, count, &sink, &report) == 0) {
		writer_health(x->to, "frames", report.frames);
		writer_health(x->to, "frames_resolved", report.resolved);
	}
	free(modules);
}
