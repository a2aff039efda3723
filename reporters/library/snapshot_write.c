/*
 * snapshot_write - see snapshot_write.h. The capture begins with the live blocks and has no events; its tables hold
 * only what these blocks need.
 */
#include "snapshot_write.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "format/mix.h"
#include "replay/extract.h"
#include "replay/heap.h"
#include "replay/heap_saved.h"
#include "replay/heap_keyframe.h"
#include "replay/totals.h"
#include "symbols/embed.h"

#define NONE UINT32_MAX

struct dump {
	const struct tracker_snapshot *snapshot;
	const struct capture *from;
	struct writer *to;
	struct heap *heap;
	struct extract tables;
	struct view_block *blocks; /* in the order of keyframes, with the numbers of the new capture */
	uint32_t *processes, *threads; /* new indexes, by old ones; NONE: it is not in the snapshot */
	uint32_t process_count, thread_count;
};

/* ---- who is in it ---- */

static void choose_processes(struct dump *d)
{
	const struct view *const v = &d->snapshot->view;

	for (uint32_t i = 0; i < d->from->process_count; i++)
		d->processes[i] = NONE;
	for (size_t i = 0; i < v->block_count; i++)
		if (v->blocks[i].process < d->from->process_count)
			d->processes[v->blocks[i].process] = 0;
	if (d->from->process_count)
		d->processes[0] = 0; /* it says what was recorded, even if that is nothing */
	for (uint32_t i = 0; i < d->from->process_count; i++)
		if (d->processes[i] != NONE)
			d->processes[i] = d->process_count++;
}

/* At the moment of the snapshot no process has ended; otherwise its blocks would not be live. */
static void write_processes(struct dump *d)
{
	for (uint32_t i = 0; i < d->from->process_count; i++) {
		struct trk_process p = d->from->processes[i];

		if (d->processes[i] == NONE)
			continue;
		p.index = d->processes[i];
		p.parent = p.parent < d->from->process_count ? d->processes[p.parent] : NONE;
		p.end_ns = UINT64_MAX;
		p.ended = p.code = 0;
		writer_process(d->to, &p);
	}
}

static void write_threads(struct dump *d)
{
	for (uint32_t i = 0; i < d->from->thread_count; i++) {
		struct trk_thread t = d->from->threads[i];

		if (t.process >= d->from->process_count || d->processes[t.process] == NONE)
			continue;
		t.process = d->processes[t.process];
		t.index = d->threads[i] = d->thread_count++;
		writer_thread(d->to, &t);
	}
}

static void write_mappings(struct dump *d)
{
	for (uint32_t i = 0; i < d->from->mapping_count; i++) {
		struct trk_mapping m = d->from->mappings[i];

		if (m.process >= d->from->process_count || d->processes[m.process] == NONE)
			continue;
		m.process = d->processes[m.process];
		m.module = extract_module(&d->tables, m.module);
		writer_mapping(d->to, &m);
	}
}

static void write_domains(struct dump *d)
{
	for (uint32_t i = 0; i < d->from->domain_count; i++) {
		struct trk_domain told = d->from->domains[i].told;

		told.process = told.process < d->from->process_count ? d->processes[told.process] : NONE;
		if (told.process != NONE)
			writer_domain(d->to, &told);
	}
}

/* ---- what is live ---- */

static int by_place(const void *left, const void *right)
{
	const struct view_block *const a = left, *const b = right;

	if (a->process != b->process)
		return a->process < b->process ? -1 : 1;
	if (!a->mapping != !b->mapping)
		return a->mapping ? 1 : -1;
	if (a->address != b->address)
		return a->address < b->address ? -1 : 1;
	if (a->domain != b->domain)
		return a->domain < b->domain ? -1 : 1;
	return a->time_ns < b->time_ns ? -1 : a->time_ns > b->time_ns;
}

/* In a capture whose releases were lost, an older block may stand at the same place: the next one is there now. */
static bool is_replaced(const struct dump *d, size_t i)
{
	const struct view_block *const b = &d->blocks[i];

	return i + 1 < d->snapshot->view.block_count && !b->mapping && !b[1].mapping && b[1].process == b->process &&
	       b[1].address == b->address && b[1].domain == b->domain;
}

static int renumber(struct dump *d)
{
	const struct view *const v = &d->snapshot->view;
	struct view_block *b = d->blocks;

	for (size_t i = 0; i < v->block_count; i++, b++) {
		*b = v->blocks[i];
		b->process = b->process < d->from->process_count ? d->processes[b->process] : 0;
		b->thread = b->thread < d->from->thread_count && d->threads[b->thread] != NONE ? d->threads[b->thread] : 0;
		b->node = extract_node(&d->tables, b->node);
		if (b->node == NONE)
			return TRK_ERR_NOMEM;
	}
	if (v->block_count)
		qsort(d->blocks, v->block_count, sizeof(*d->blocks), by_place);
	return 0;
}

/* By mapping: the last fragment of it, as a number from 1 within its process. */
struct pieces {
	uint32_t *last;
	uint32_t count, process;
};

static struct keyframe_block as_kept(const struct view_block *b, struct pieces *p)
{
	struct keyframe_block ret = {
		.address = b->address,
		.size = b->untouched ? b->untouched : b->size,
		.arena = b->untouched != 0,
		.untouched = b->untouched != 0,
		.time_ns = b->time_ns,
		.end = b->end,
		.asked = b->asked,
		.thread = b->thread,
		.node = b->node,
		.domain = b->domain,
		.kind = b->kind,
	};

	if (!b->mapping)
		return ret;
	p->count++;
	ret.back = p->last[b->mapping] ? p->count - p->last[b->mapping] : 0;
	p->last[b->mapping] = p->count;
	return ret;
}

static uint32_t mappings(const struct dump *d)
{
	uint32_t most = 0;

	for (size_t i = 0; i < d->snapshot->view.block_count; i++)
		if (d->blocks[i].mapping > most)
			most = d->blocks[i].mapping;
	return most;
}

static int restore(struct dump *d)
{
	struct heap_restorer r = heap_restore(d->heap);
	struct pieces p = { .last = calloc((size_t)mappings(d) + 1, sizeof(*p.last)), .process = NONE };
	int err = p.last ? 0 : TRK_ERR_NOMEM;

	for (size_t i = 0; i < d->snapshot->view.block_count && !err; i++) {
		const struct view_block *const b = &d->blocks[i];

		if (is_replaced(d, i))
			continue;
		if (b->process != p.process)
			p.count = 0;
		p.process = b->process;
		const struct keyframe_block kept = as_kept(b, &p);
		err = heap_restore_process(&r, &(struct keyframe_process){ .index = b->process });
		if (!err)
			err = heap_restore_block(&r, &kept);
	}
	if (!err)
		heap_restore_end(&r, d->snapshot->view.time_ns);
	heap_restore_finish(&r);
	free(p.last);
	return err;
}

/* ---- names ---- */

static void put_symbols(void *to, uint32_t frame, const struct trk_symbol_text *s, size_t n)
{
	writer_symbols(to, frame, s, n);
}

/* Looks up frames that were never looked up, in the files on this machine. */
static size_t list_frames(const struct dump *d, struct embed_frame *frames)
{
	size_t n = 0;

	for (uint32_t i = 1; i < d->from->frame_count; i++) {
		const struct cap_frame *const f = &d->from->frames[i];

		if (d->tables.frames[i] && f->symbol_count == UINT32_MAX && f->module &&
		    !(d->from->modules[f->module].flags & TRK_MODULE_MADE))
			frames[n++] = (struct embed_frame){ f->module, d->tables.frames[i], f->offset };
	}
	return n;
}

static int look_up(const struct dump *d)
{
	const struct embed_sink sink = { .symbols = put_symbols, .data = d->to };
	struct embed_frame *const frames = calloc((size_t)d->from->frame_count + 1, sizeof(*frames));
	struct embed_module *const modules = calloc((size_t)d->from->module_count + 1, sizeof(*modules));
	struct embed_report report = { 0 };
	const size_t n = frames && modules ? list_frames(d, frames) : 0;
	int err = frames && modules ? 0 : TRK_ERR_NOMEM;

	for (uint32_t i = 1; i < d->from->module_count && !err; i++)
		modules[i] = (struct embed_module){ .record = d->from->modules[i], .fd = -1 };
	if (!err && n)
		err = embed_frames(frames, n, modules, d->from->module_count, &sink, &report);
	free(frames);
	free(modules);
	return err;
}

/* ---- words ---- */

/* What may be missing in the capture is missing in the snapshot, too. */
static void write_words(const struct dump *d)
{
	static const char *const kept[] = { "nframe", "traceback_limit", "lost", "unrecorded_processes", "attach_failures", "recorder_out_of_memory",
					    "truncated_stacks", "truncated_by_depth", "truncated_no_unwind_info", "truncated_unknown_rule",
					    "truncated_off_stack", "guessed_stacks" };
	char text[160];

	for (uint32_t i = 0; i < d->from->notice_count; i++)
		writer_notice(d->to, d->from->notices[i]);
	snprintf(text, sizeof(text), "this is a snapshot: it holds what was live at %.3f s, and nothing of what came before or after",
		 (double)d->snapshot->view.time_ns / 1e9);
	writer_notice(d->to, text);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if (capture_health(d->from, kept[i]))
			writer_health(d->to, kept[i], capture_health(d->from, kept[i]));
	extract_damage(d->from, d->to);
	totals_write_summary(d->to, heap_totals(d->heap), d->process_count, d->thread_count);
}

/* ---- the whole ---- */

static int begin(struct dump *d, int fd)
{
	struct trk_header header = d->from->header;
	int err;

	header.id = trk_mix(trk_mix(header.id, d->snapshot->view.time_ns), d->snapshot->view.bytes);
	d->blocks = calloc(d->snapshot->view.block_count + 1, sizeof(*d->blocks));
	d->processes = calloc((size_t)d->from->process_count + 1, sizeof(*d->processes));
	d->threads = calloc((size_t)d->from->thread_count + 1, sizeof(*d->threads));
	if (!d->blocks || !d->processes || !d->threads || heap_new(&d->heap, 1, NULL) != 0)
		return TRK_ERR_NOMEM;
	for (uint32_t i = 0; i < d->from->thread_count; i++)
		d->threads[i] = NONE;
	heap_set_page_bytes(d->heap, header.page_bytes);
	heap_set_sampling(d->heap, header.sample_bytes);
	err = writer_new(&d->to, fd, &header);
	return err ? err : extract_init(&d->tables, d->from, d->to);
}

static int write_all(struct dump *d)
{
	int err;

	choose_processes(d);
	write_processes(d);
	write_threads(d);
	write_mappings(d);
	write_domains(d);
	err = renumber(d);
	if (!err)
		err = restore(d);
	if (!err)
		err = heap_keyframe_write(d->to, d->heap, d->snapshot->view.time_ns, true, NULL, NULL);
	if (err)
		return err;
	extract_symbols(&d->tables);
	err = look_up(d);
	write_words(d);
	return err ? err : writer_finish(d->to);
}

int snapshot_write(const struct tracker_snapshot *s, int fd)
{
	struct dump d = { .snapshot = s, .from = source_capture(s->source) };
	int err = begin(&d, fd), error = errno;

	if (!err) {
		err = write_all(&d);
		error = writer_error(d.to);
	}
	writer_free(d.to);
	heap_free(d.heap);
	extract_finish(&d.tables);
	free(d.blocks);
	free(d.processes);
	free(d.threads);
	errno = error;
	return err;
}
