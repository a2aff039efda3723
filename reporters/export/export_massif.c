/*
 * export_massif - the heap over time with the tree of its peak and of its end, as valgrind's Massif writes it: ms_print and
 * massif-visualizer open it (https://valgrind.org/docs/manual/ms-manual.html; the format is that of ms_print's reader).
 */
#include <inttypes.h>
#include <stdlib.h>

#include "common/stack_tree.h"
#include "export/export.h"
#include "flame/history.h"
#include "format/array.h"

#define SNAPSHOTS 100u /* Massif's own number */
#define THRESHOLD 100u /* what is under a hundredth of the heap has no branch of its own: Massif's threshold */

/* Who allocated what was live: the most recent frame first, its callers below it. */
struct origins {
	struct stack_tree tree;
	uint64_t *bytes; /* by node */
};

static int collect(struct origins *t, struct export *x, enum export_metric m)
{
	size_t room = 0;
	int err = stack_tree_init(&t->tree);

	if (!err && !ARRAY_ZEROES(t->bytes, room, 1, 256))
		err = TRK_ERR_NOMEM;
	for (size_t i = 0; i < x->row_count && !err; i++) {
		size_t count = 0;
		const uint32_t *const stack = x->rows[i].of[m].bytes ? export_stack(x, &x->rows[i], &count) : NULL;
		uint32_t at = 0;

		if (x->rows[i].of[m].bytes && !stack)
			return TRK_ERR_NOMEM;
		for (size_t k = 0; k <= count && stack && !err; k++) {
			if (!ARRAY_ZEROES(t->bytes, room, t->tree.count, 256))
				return TRK_ERR_NOMEM;
			t->bytes[at] += x->rows[i].of[m].bytes;
			if (k < count)
				err = stack_tree_child(&t->tree, at, stack[k], &at);
		}
	}
	return err;
}

static int by_bytes(const void *left, const void *right, void *data)
{
	const struct origins *const t = data;
	const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

	return t->bytes[a] != t->bytes[b] ? (t->bytes[a] < t->bytes[b]) - (t->bytes[a] > t->bytes[b]) : (a > b) - (a < b);
}

static void put_text(FILE *f, const char *s)
{
	for (; *s; s++)
		fputc((unsigned char)*s < ' ' ? ' ' : *s, f);
}

static void put_frame(const struct export *x, FILE *f, uint32_t item)
{
	const struct flame_frame *const frame = &x->names.frames[item];

	fputs("0x0: ", f);
	put_text(f, flame_text(&x->names, frame->full ? frame->full : frame->name));
	fputs(frame->line ? " (" : " (in ", f);
	put_text(f, flame_text(&x->names, frame->line ? frame->file : frame->module));
	if (frame->line)
		fprintf(f, ":%" PRIu32, frame->line);
	fputs(")\n", f);
}

static bool is_large(const struct origins *t, uint32_t node, uint64_t whole)
{
	return t->bytes[node] >= whole / THRESHOLD;
}

/* Its own line; then come those of its large children, and one for all others. */
static void put_node(const struct export *x, const struct origins *t, FILE *f, uint32_t node, size_t depth, uint64_t whole)
{
	const uint32_t begin = t->tree.child_start[node], end = t->tree.child_start[node + 1];
	uint32_t lines = 0;

	while (begin + lines < end && is_large(t, t->tree.children[begin + lines], whole))
		lines++;
	lines += begin + lines < end;
	fprintf(f, "%*sn%" PRIu32 ": %" PRIu64 " ", (int)depth, "", lines, t->bytes[node]);
	if (node)
		put_frame(x, f, t->tree.nodes[node].item);
	else
		fputs("(heap allocation functions) malloc/new/new[], --alloc-fns, etc.\n", f);
}

static void put_rest(const struct origins *t, FILE *f, uint32_t begin, uint32_t end, size_t depth)
{
	uint64_t bytes = 0;

	for (uint32_t i = begin; i < end; i++)
		bytes += t->bytes[t->tree.children[i]];
	fprintf(f, "%*sn0: %" PRIu64 " in %" PRIu32 " place%s, %sbelow massif's threshold (1.00%%)\n", (int)depth, "", bytes, end - begin,
		end - begin == 1 ? "" : "s", end - begin == 1 ? "" : "all ");
}

/* Stacks may be as deep as a capture says, so nothing recurses. */
static int put_tree(const struct export *x, const struct origins *t, FILE *f)
{
	const uint64_t whole = t->bytes[0];
	uint32_t *const path = calloc(t->tree.count + 1, sizeof(*path)), *const next = calloc(t->tree.count + 1, sizeof(*next));
	size_t depth = 1; /* path[0] is no node */

	if (path && next) {
		next[depth] = t->tree.child_start[0];
		put_node(x, t, f, 0, 0, whole);
	}
	while (depth && path && next) {
		const uint32_t end = t->tree.child_start[path[depth] + 1], at = next[depth]++;

		if (at < end && is_large(t, t->tree.children[at], whole)) {
			path[++depth] = t->tree.children[at];
			next[depth] = t->tree.child_start[path[depth]];
			put_node(x, t, f, path[depth], depth - 1, whole);
			continue;
		}
		if (at < end)
			put_rest(t, f, at, end, depth);
		depth--;
	}
	free(path);
	free(next);
	return path && next ? 0 : TRK_ERR_NOMEM;
}

static int put_origins(struct export *x, FILE *f, enum export_metric m)
{
	struct origins t = { 0 };
	int err = collect(&t, x, m);

	if (!err)
		err = stack_tree_sort(&t.tree, by_bytes, &t);
	if (!err)
		err = put_tree(x, &t, f);
	stack_tree_finish(&t.tree);
	free(t.bytes);
	return err;
}

/* ---- the file ---- */

static void put_snapshot(FILE *f, unsigned *number, uint64_t time_ns, uint64_t bytes, const char *tree)
{
	fprintf(f, "#-----------\nsnapshot=%u\n#-----------\ntime=%" PRIu64 "\nmem_heap_B=%" PRIu64 "\nmem_heap_extra_B=0\nmem_stacks_B=0\nheap_tree=%s\n",
		(*number)++, time_ns / 1000000, bytes, tree);
}

/* The most that was live within each part of the time; the peak where it was, with its tree; and what is live at the end, with its own. */
static int put_snapshots(struct export *x, const struct history *h, FILE *f)
{
	const uint32_t each = (h->bins + SNAPSHOTS - 1) / SNAPSHOTS;
	unsigned number = 0;
	bool told = false; /* the peak */
	int err = 0;

	for (uint32_t bin = 0; bin < h->bins && !err; bin += each) {
		const uint64_t from_ns = (uint64_t)((double)h->duration_ns * bin / h->bins);
		uint64_t most = 0;

		for (uint32_t i = bin; i < bin + each && i < h->bins; i++)
			most = h->heap[i] > most ? h->heap[i] : most;
		if (!told && from_ns > x->peak_ns) {
			told = true;
			put_snapshot(f, &number, x->peak_ns, x->total[EXPORT_PEAK].bytes, "peak");
			err = put_origins(x, f, EXPORT_PEAK);
		}
		put_snapshot(f, &number, from_ns, most, "empty");
	}
	if (!told && !err) {
		put_snapshot(f, &number, x->peak_ns, x->total[EXPORT_PEAK].bytes, "peak");
		err = put_origins(x, f, EXPORT_PEAK);
	}
	if (err)
		return err;
	put_snapshot(f, &number, h->duration_ns > x->peak_ns ? h->duration_ns : x->peak_ns, x->total[EXPORT_LIVE].bytes, "detailed");
	return put_origins(x, f, EXPORT_LIVE);
}

static void put_header(const struct export *x, FILE *f)
{
	const struct capture *const c = x->report->capture;
	const struct trk_process *const p = c->process_count ? &c->processes[x->report->process == UINT32_MAX ? 0 : x->report->process] : NULL;

	fprintf(f, "desc: tracker " TRACKER_VERSION "\ncmd: ");
	put_text(f, !p ? "?" : *p->executable ? p->executable :
						p->name);
	fputs("\ntime_unit: ms\n", f);
}

const char *export_massif_refuses(const struct report *r)
{
	return r->has_point ? "was given with a point, and a profile of Massif is of a whole run: leave the point out" : NULL;
}

int export_massif(struct export *x, const struct export_options *o, FILE *f)
{
	struct history *const h = calloc(1, sizeof(*h));
	struct ui_progress progress;
	int err = h ? 0 : TRK_ERR_NOMEM;

	(void)o;
	ui_progress_start(&progress, "reading events", x->report->capture->event_count);
	if (!err)
		err = history_collect(h, x->report->capture, x->report->process, &progress);
	ui_progress_end(&progress);
	if (!err) {
		put_header(x, f);
		err = put_snapshots(x, h, f);
	}
	free(h);
	return err;
}
