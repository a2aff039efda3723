/*
 * export_heaptrack - the data file of heaptrack, version 2 of its format, which all of them read since 1.3: heaptrack_gui and heaptrack_print open it. The format is
 * that of its reader (src/analyze/accumulatedtracedata.cpp): lines of a letter and hexadecimal numbers.
 *
 * An allocation is a pair of size and stack, which has a number; events are those numbers.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "export/export.h"
#include "format/array.h"
#include "format/event.h"
#include "format/mix.h"
#include "replay/heap.h"

struct pair {
	uint64_t bytes;
	uint32_t stack;
};

struct writer {
	struct export_stacks stacks;
	struct pair *pairs;
	size_t count, room;
	struct idmap by_pair; /* numbers + 1 */
	uint64_t ms; /* of the last time that was written */
	uint32_t page_bytes;
	FILE *f;
	int err; /* TRK_ERR_NOMEM */
};

/* The number of the pair; a new one is written. */
static bool find_pair(struct writer *w, uint64_t bytes, uint32_t stack, uint32_t *ret)
{
	const uint32_t hash = (uint32_t)trk_mix(bytes, stack);
	uint32_t at = hash, id;

	while ((id = idmap_next(&w->by_pair, hash, &at)))
		if (w->pairs[id - 1].bytes == bytes && w->pairs[id - 1].stack == stack)
			break;
	if (!id) {
		if (w->count >= UINT32_MAX - 1 || !idmap_reserve(&w->by_pair) || !ARRAY_ROOM(w->pairs, w->room, w->count + 1, 1024)) {
			w->err = TRK_ERR_NOMEM;
			return false;
		}
		w->pairs[w->count++] = (struct pair){ bytes, stack };
		id = (uint32_t)w->count;
		idmap_add(&w->by_pair, hash, id);
		fprintf(w->f, "a %" PRIx64 " %" PRIx32 "\n", bytes, stack);
	}
	*ret = id - 1;
	return true;
}

static void put_event(struct writer *w, char sign, const struct heap_block *b, uint64_t bytes)
{
	const uint32_t stack = w->stacks.of_node[b->node];
	uint32_t number;

	if (stack && !w->err && find_pair(w, bytes, stack, &number))
		fprintf(w->f, "%c %" PRIx32 "\n", sign, number);
}

static void born(void *data, struct heap_block *b, const struct sampling_estimate *e)
{
	put_event(data, '+', b, e->bytes);
}

static void grew(void *data, const struct heap_block *b, const struct sampling_estimate *e)
{
	put_event(data, '+', b, e->bytes);
}

static void restored(void *data, struct heap_block *b, const struct sampling_estimate *e, uint64_t asked)
{
	(void)asked;
	if (!b->aside)
		put_event(data, '+', b, e->bytes);
}

static void died(void *data, const struct heap_block *b, const struct sampling_estimate *e, bool temporary, const struct trk_event *by)
{
	(void)temporary;
	(void)by;
	if (!b->aside)
		put_event(data, '-', b, e->bytes);
}

static void aside(void *data, const struct heap_block *b, const struct sampling_estimate *e)
{
	put_event(data, b->aside ? '-' : '+', b, e->bytes);
}

static void tell_time(void *data, const struct trk_event *e)
{
	struct writer *const w = data;
	const uint64_t ms = e->time_ns / 1000000;

	if (ms > w->ms)
		fprintf(w->f, "c %" PRIx64 "\n", ms);
	w->ms = ms > w->ms ? ms : w->ms;
}

/* ---- what stands in front of the events ---- */

static void put_line(FILE *f, const char *s)
{
	for (; *s; s++)
		fputc(*s == '\n' ? ' ' : *s, f);
	fputc('\n', f);
}

static void put_tables(const struct export *x, const struct writer *w)
{
	const struct flame_names *const n = &x->names;
	const struct trk_process *const p = &x->report->capture->processes[x->report->process];

	fprintf(w->f, "v 10300 2\nX ");
	put_line(w->f, *p->executable ? p->executable : p->name);
	fprintf(w->f, "I %" PRIx32 " 0\n", w->page_bytes);
	for (uint32_t i = 1; i < n->text_count; i++) {
		fputs("s ", w->f);
		put_line(w->f, flame_text(n, i));
	}
	for (uint32_t i = 1; i < n->frame_count; i++) {
		const struct flame_frame *const f = &n->frames[i];

		fprintf(w->f, "i %" PRIx32 " %" PRIx32 " %" PRIx32, i, f->module, f->full ? f->full : f->name);
		if (f->line)
			fprintf(w->f, " %" PRIx32 " %" PRIx32, f->file, f->line);
		fputc('\n', w->f);
	}
	for (uint32_t i = 1; i < w->stacks.tree.count; i++)
		fprintf(w->f, "t %" PRIx32 " %" PRIx32 "\n", w->stacks.tree.nodes[i].item, w->stacks.tree.nodes[i].parent);
}

/* ---- the file ---- */

const char *export_heaptrack_refuses(const struct report *r)
{
	if (capture_is_aggregated(r->capture))
		return "is aggregated: it has no events, which heaptrack's file is made of; record without --aggregate";
	if (r->capture->header.sample_bytes)
		return "is sampled, and heaptrack's file says of each block that it is one; record without --sample";
	if (r->has_point)
		return "was given with a point, and heaptrack's file is of a whole run: leave the point out";
	if (r->process == UINT32_MAX)
		return "has several processes, and heaptrack's file is of one: choose it with --pid";
	return NULL;
}

int export_heaptrack(struct export *x, const struct export_options *o, FILE *f)
{
	struct capture *const c = x->report->capture;
	struct writer w = { .f = f, .page_bytes = c->header.page_bytes ? c->header.page_bytes : 4096 };
	const struct heap_observer observer = { .data = &w, .born = born, .grew = grew, .died = died, .aside = aside, .restored = restored };
	struct heap *heap = NULL;
	int err = export_stacks_find(&w.stacks, x);

	(void)o;
	if (!err)
		err = heap_new(&heap, 0, &observer);
	if (!err) {
		put_tables(x, &w);
		heap_set_page_bytes(heap, c->header.page_bytes);
		err = export_replay(c, x->report->process, heap, tell_time, &w);
	}
	heap_free(heap);
	export_stacks_finish(&w.stacks);
	idmap_finish(&w.by_pair);
	free(w.pairs);
	return err ? err : w.err;
}
