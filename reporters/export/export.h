/*
 * export - stacks with all their figures, for writers of other programs' formats: what each stack allocated, what of it lives at a
 * point, and what was live at the peak.
 */
#ifndef REPORTERS_EXPORT_H
#define REPORTERS_EXPORT_H

#include <stdio.h>

#include "common/answers.h"
#include "common/stack_tree.h"
#include "flame/flame_names.h"

enum export_metric {
	EXPORT_ALLOCATED = ANSWER_ALLOCATED,
	EXPORT_LIVE = ANSWER_LIVE,
	EXPORT_PEAK = ANSWER_PEAK,
	EXPORT_TEMPORARY = ANSWER_TEMPORARY,
	EXPORT_METRICS = ANSWERS
};

struct export_amount {
	uint64_t bytes, count;
};

struct export_row {
	uint32_t node, process;
	uint32_t thread; /* UINT32_MAX: not told apart */
	uint8_t kind; /* how it was allocated; 0: not told apart */
	struct export_amount of[EXPORT_METRICS];
};

struct export
{
	struct report *report;
	struct export_row *rows; /* by node, process, thread, kind */
	size_t row_count, row_room;
	struct export_amount total[EXPORT_METRICS];
	uint64_t peak_ns, end_ns; /* since the recording began */
	struct flame_names names; /* the frames that export_stack has met */
	uint32_t *stack; /* of export_stack */
	size_t stack_room;
};

/* Asks for all figures, in two passes over the events, or four with a point. An exit code; it has said why. */
int export_find(struct export *x, struct report *r, bool by_thread, bool by_kind);
void export_finish(struct export *x); /* zero-safe */

/*
 * The frames of a row, the most recent first: numbers in x->names, until the next call. Frames of allocators and what runs below main
 * are left out. NULL: no memory.
 */
const uint32_t *export_stack(struct export *x, const struct export_row *row, size_t *ret_count);

/* ---- for those that read the events once more ---- */

/*
 * The stacks of all rows, each once: those that differ in frames that are left out, or in addresses of one line, are one stack here. Some
 * readers refuse a stack that stands in a file twice.
 */
struct export_stacks {
	struct stack_tree tree; /* items: frames of x->names; the oldest frame first */
	uint32_t *of_node; /* its node, by node of the capture; 0: it does not count */
};

int export_stacks_find(struct export_stacks *s, struct export *x); /* TRK_ERR_NOMEM */
void export_stacks_finish(struct export_stacks *s); /* zero-safe */

struct heap;
struct trk_event;
/* All events of a process, through the heap; each: called before each of them, or NULL. TRK_ERR_NOMEM, or what a cursor says. */
int export_replay(struct capture *c, uint32_t process, struct heap *heap, void (*each)(void *data, const struct trk_event *e), void *data);

/* ---- formats ---- */

/* What they are asked for besides. */
struct export_options {
	enum export_metric metric; /* of formats that have one */
	bool by_count;
};

/* 0, TRK_ERR_NOMEM; what a cursor says. Write errors stay in the file. */
typedef int export_write_fn(struct export *x, const struct export_options *o, FILE *f);

export_write_fn export_pprof, export_speedscope, export_folded, export_csv, export_dhat, export_callgrind, export_massif, export_heaptrack;

/* Why there can be no such profile of that capture, behind its name; NULL: there can. */
const char *export_dhat_refuses(const struct report *r);
const char *export_massif_refuses(const struct report *r);
const char *export_heaptrack_refuses(const struct report *r);

#endif
