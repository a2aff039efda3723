/*
 * export_callgrind - profiles of valgrind's Callgrind, which callgrind_annotate, KCachegrind and QCachegrind open
 * (https://valgrind.org/docs/manual/cl-format.html): what each line costs itself, and what the calls in it cost.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/stack_tree.h"
#include "export/export.h"
#include "format/array.h"

struct costs {
	uint64_t of[EXPORT_METRICS][2]; /* bytes, blocks */
};

/* A call: from a line (a frame of x->names) to a function (the first of its frames). */
struct calls {
	struct stack_tree tree; /* lines, and below each the functions that it calls */
	struct costs *costs; /* by node of the tree; of lines: their own */
	size_t room;
	size_t *seen; /* by function: 1 + the last row that had it */
	size_t seen_room;
};

static int reach(struct calls *c, uint32_t line, uint32_t function, uint32_t *ret)
{
	int err = stack_tree_child(&c->tree, 0, line, ret);

	if (!err && function)
		err = stack_tree_child(&c->tree, *ret, function, ret);
	return err ? err : ARRAY_ZEROES(c->costs, c->room, c->tree.count, 256) ? 0 :
										 TRK_ERR_NOMEM;
}

/* The first time that the function is met in the stack of a row. */
static int meet(struct calls *c, uint32_t function, size_t row, bool *ret_first)
{
	if (!ARRAY_ZEROES(c->seen, c->seen_room, (size_t)function + 1, 256))
		return TRK_ERR_NOMEM;
	*ret_first = c->seen[function] != row + 1;
	c->seen[function] = row + 1;
	return 0;
}

static void add(struct costs *c, const struct export_row *row)
{
	for (unsigned m = 0; m < EXPORT_METRICS; m++) {
		c->of[m][0] += row->of[m].bytes;
		c->of[m][1] += row->of[m].count;
	}
}

/*
 * Readers take for what a function costs with all that it calls its own costs and those of its calls. So in a stack that has it several
 * times (recursion) only its most recent call costs something.
 */
static int collect(struct calls *c, struct export *x)
{
	int err = stack_tree_init(&c->tree);

	for (size_t i = 0; i < x->row_count && !err; i++) {
		size_t count;
		const uint32_t *const stack = export_stack(x, &x->rows[i], &count);
		bool first = false;
		uint32_t at;

		if (!stack)
			return TRK_ERR_NOMEM;
		for (size_t k = 0; k < count && !err; k++) {
			err = reach(c, stack[k], k ? x->names.frames[stack[k - 1]].ident : 0, &at);
			if (!err)
				err = meet(c, x->names.frames[stack[k]].ident, i, &first);
			if (!err && first)
				add(&c->costs[at], &x->rows[i]);
		}
	}
	return err;
}

/* ---- the file ---- */

/* "(7)" at its beginning is a number to readers, by which names are told again: in "(7) main" it is given, "(7)" alone stands for main. */
static bool reads_as_number(const char *name)
{
	const size_t digits = *name == '(' ? strspn(name + 1, "0123456789") : 0;

	return digits && name[1 + digits] == ')';
}

static void put_name(const struct export *x, FILE *f, const char *key, uint32_t text)
{
	const char *const name = flame_text(&x->names, text);

	fprintf(f, "%s=", key);
	if (reads_as_number(name))
		fprintf(f, "(%" PRIu32 ") ", text + 1);
	for (const char *s = name; *s; s++)
		fputc((unsigned char)*s < ' ' ? ' ' : *s, f);
	fputc('\n', f);
}

static void put_function(const struct export *x, FILE *f, const char *const keys[3], uint32_t function)
{
	const struct flame_frame *const of = &x->names.frames[function];

	put_name(x, f, keys[0], of->module);
	if (of->file)
		put_name(x, f, keys[1], of->file);
	else
		fprintf(f, "%s=???\n", keys[1]);
	put_name(x, f, keys[2], of->full ? of->full : of->name);
}

static void put_costs(FILE *f, uint32_t line, const struct costs *c)
{
	fprintf(f, "%" PRIu32, line);
	for (unsigned m = 0; m < EXPORT_METRICS; m++)
		fprintf(f, " %" PRIu64 " %" PRIu64, c->of[m][0], c->of[m][1]);
	fputc('\n', f);
}

/* A line, and its calls. */
static void put_line(const struct export *x, const struct calls *c, FILE *f, uint32_t node)
{
	static const char *const keys[] = { "cob", "cfi", "cfn" };
	const uint32_t line = x->names.frames[c->tree.nodes[node].item].line;

	put_costs(f, line, &c->costs[node]);
	for (uint32_t i = c->tree.child_start[node]; i < c->tree.child_start[node + 1]; i++) {
		const uint32_t callee = c->tree.nodes[c->tree.children[i]].item;
		const struct costs *const costs = &c->costs[c->tree.children[i]];

		put_function(x, f, keys, callee);
		fprintf(f, "calls=%" PRIu64 " %" PRIu32 "\n", costs->of[EXPORT_ALLOCATED][1], x->names.frames[callee].line);
		put_costs(f, line, costs);
	}
}

struct order {
	const struct calls *calls;
	const struct flame_names *names;
};

/* The lines of a function behind one another. */
static int by_function(const void *left, const void *right, void *data)
{
	const struct order *const o = data;
	const uint32_t a = o->calls->tree.nodes[*(const uint32_t *)left].item, b = o->calls->tree.nodes[*(const uint32_t *)right].item;
	const uint32_t of_a = o->names->frames[a].ident, of_b = o->names->frames[b].ident;

	return of_a != of_b ? (of_a > of_b) - (of_a < of_b) : (a > b) - (a < b);
}

static void put_header(const struct export *x, FILE *f)
{
	const struct capture *const c = x->report->capture;
	const struct trk_process *const p = c->process_count ? &c->processes[x->report->process == UINT32_MAX ? 0 : x->report->process] : NULL;

	fprintf(f, "# callgrind format\nversion: 1\ncreator: tracker " TRACKER_VERSION "\n");
	if (p) {
		fprintf(f, "pid: %" PRIu32 "\ncmd: ", p->pid);
		for (const char *s = *p->executable ? p->executable : p->name; *s; s++)
			fputc((unsigned char)*s < ' ' ? ' ' : *s, f);
		fputc('\n', f);
	}
	fputs("positions: line\n"
	      "event: PeakBytes : bytes live at the peak\nevent: PeakBlocks : blocks live at the peak\n"
	      "event: AllocatedBytes : bytes allocated\nevent: AllocatedBlocks : allocations\n",
	      f);
	fprintf(f, "event: LiveBytes : bytes live at the %s\nevent: LiveBlocks : blocks live at the %s\n", x->report->has_point ? "point" : "end", x->report->has_point ? "point" : "end");
	fputs("event: TemporaryBytes : bytes of temporary allocations\nevent: TemporaryBlocks : temporary allocations\n"
	      "events: AllocatedBytes AllocatedBlocks LiveBytes LiveBlocks PeakBytes PeakBlocks TemporaryBytes TemporaryBlocks\n",
	      f);
	for (unsigned i = 0; i < 2; i++) {
		fputs(i ? "totals:" : "summary:", f);
		for (unsigned m = 0; m < EXPORT_METRICS; m++)
			fprintf(f, " %" PRIu64 " %" PRIu64, x->total[m].bytes, x->total[m].count);
		fputc('\n', f);
	}
	fputc('\n', f);
}

int export_callgrind(struct export *x, const struct export_options *o, FILE *f)
{
	static const char *const keys[] = { "ob", "fl", "fn" };
	struct calls c = { 0 };
	struct order order = { &c, &x->names };
	int err = collect(&c, x);
	uint32_t function = 0;

	(void)o;
	if (!err)
		err = stack_tree_sort(&c.tree, by_function, &order);
	if (!err)
		put_header(x, f);
	for (uint32_t i = err ? 0 : c.tree.child_start[0]; !err && i < c.tree.child_start[1]; i++) {
		const uint32_t node = c.tree.children[i], of = x->names.frames[c.tree.nodes[node].item].ident;

		if (of != function)
			put_function(x, f, keys, of);
		function = of;
		put_line(x, &c, f, node);
	}
	stack_tree_finish(&c.tree);
	free(c.costs);
	free(c.seen);
	return err;
}
