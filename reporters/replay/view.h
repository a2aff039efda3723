/*
 * view - what most reports print: sums per (node, thread, kind) of one question
 * about a capture, found in as few passes over the events as it needs.
 */
#ifndef REPLAY_VIEW_H
#define REPLAY_VIEW_H

#include "replay/capture.h"
#include "replay/process_totals.h"

enum view_what {
	VIEW_LIVE, /* live at a point (default: the peak) */
	VIEW_LEAKS, /* live at the end of its process */
	VIEW_TEMPORARY, /* temporary at `threshold` */
	VIEW_ALLOCATIONS, /* everything ever allocated */
};

enum point_kind {
	POINT_PEAK, /* CAP, CAP@peak */
	POINT_END, /* CAP@end */
	POINT_MARK, /* CAP@LABEL: the first mark of that label */
	POINT_NTH_MARK, /* CAP@#3: from 1 */
	POINT_TIME, /* CAP@1.5s, @200ms, @3m */
	POINT_SHARE, /* CAP@90%: share of the events */
	POINT_RANGE, /* CAP@A..B: allocated between, still live at B; either may be left out */
};

struct point {
	enum point_kind kind;
	char label[256];
	uint64_t number; /* NTH_MARK; TIME: ns; SHARE: per cent x 1000 */
};

struct point_range {
	struct point from, to; /* a single point: from */
	bool is_range;
	char label[256]; /* a text that looks like a range and began with =: the label, if there is such a mark. "": none */
};

/*
 * Splits "CAP@POINT" into a path (malloc'ed) and a point. A file whose whole
 * name is `text` wins over the split. TRK_ERR_ARG with a sentence when the part
 * after the last @ is no point.
 */
int point_parse(const char *text, char **ret_path, struct point_range *ret,
		struct trk_fault *fault);
/* Settles what only the capture can tell: "@=a..b" is the mark "a..b" if there is one, otherwise the range between two. */
void point_settle(struct point_range *at, const struct capture *c);

/* Where a block comes from. */
struct view_origin {
	uint32_t node, thread, process, domain;
};

struct view_options {
	enum view_what what;
	struct point_range at; /* VIEW_LIVE, and the others when `spanned` */
	/*
	 * VIEW_ALLOCATIONS, VIEW_TEMPORARY: a single point `at` is taken for the end of
	 * the capture; of a range only the blocks allocated between its points count.
	 * VIEW_LEAKS: only blocks that were allocated before the point, or between the points, count.
	 */
	bool spanned;
	/*
	 * VIEW_ALLOCATIONS, VIEW_TEMPORARY: only blocks for which it is true count, in the totals, too: their peak is that of these
	 * blocks. NULL: all.
	 */
	bool (*counts)(void *data, const struct view_origin *o);
	void *counts_data;
	/*
	 * The same two: only blocks allocated by a thread inside this region of
	 * tracker.h count, what becomes of them afterwards included. NULL: all.
	 */
	const char *region;
	uint32_t threshold; /* VIEW_TEMPORARY */
	uint32_t process; /* index; UINT32_MAX: all */
	bool by_thread; /* otherwise row.thread is UINT32_MAX */
	bool by_size; /* rows are split by the exact block size, too */
	/* Rows are split by the types that programs give their blocks (TRK_ANNOTATE), too, and view.types is filled. Not with VIEW_TEMPORARY, or of parts. */
	bool typed;
	bool sizes; /* fill view.sizes */
	bool blocks; /* VIEW_LIVE, VIEW_LEAKS: fill view.blocks */
	/*
	 * view.totals, process_totals and events are not needed. For VIEW_LIVE at a point they may then be those of
	 * the events that the answer takes: from a keyframe before the point up to the point.
	 */
	bool rows_only;
	/*
	 * VIEW_LIVE, not of a range: the same pass answers VIEW_LEAKS and VIEW_TEMPORARY at `threshold`, too, and stores
	 * their rows and sums here. NULL: it does not. They are the caller's to finish, whatever view_build returns.
	 */
	struct view *leaks, *temporary;
	/* Called now and then with the number of events done; may be NULL. */
	void (*progress)(void *data, uint64_t events);
	void *progress_data;
};

struct view_size {
	uint64_t size, count; /* allocations of exactly that size */
};

struct view_block {
	uint64_t address, size, time_ns; /* of its allocation */
	uint64_t bytes, count; /* what it stands for: its size and 1, except in a sampled capture */
	uint64_t end, asked; /* for a fragment of a mapping: the address behind its last page; bytes of the whole mapping; else 0 */
	uint64_t untouched; /* bytes of a fragment of an arena that the program has not touched anywhere: it is a block of 0 bytes; else 0 */
	uint32_t node, thread, process, domain;
	uint32_t mapping; /* fragments of one mapping share it; 0: it is no fragment */
	uint8_t kind;
};

struct view_row {
	uint32_t node, thread, process, domain;
	uint32_t type; /* typed only: 1 + its place in view.types; 0: nobody gave one */
	uint64_t block_size; /* by_size only, else 0 */
	uint64_t bytes, count;
	uint8_t kind;
	uint32_t error; /* index into view.errors, for view_error */
};

struct view {
	struct view_row *rows; /* sorted by bytes, count descending, then node */
	size_t row_count;
	uint64_t bytes, count;
	uint64_t sample_bytes; /* of a sampled capture: sums are estimates; else 0 */
	struct sampling_error error; /* of bytes and count */
	struct sampling_error *errors; /* of the rows; NULL when not sampled */
	uint64_t time_ns; /* of the point */
	/* Figures of the whole capture, or of the chosen process, at its end; or of the blocks that count. */
	struct heap_totals totals;
	struct process_totals process_totals; /* the same of each process of the capture */
	uint64_t events; /* that were read */
	struct view_size *sizes; /* of all allocations, ascending; with view_options.sizes */
	size_t size_count;
	char **types; /* names, with view_options.typed */
	size_t type_count;
	struct view_block *blocks; /* one by one, with view_options.blocks */
	size_t block_count;
};

/* TRK_ERR_ARG: no such mark or time (fault says which, and which marks there are). */
int view_build(struct capture *c, const struct view_options *o, struct view *ret,
	       struct trk_fault *fault);
/* How exact the sums of a row are. */
static inline struct sampling_error view_error(const struct view *v, const struct view_row *r)
{
	return v->errors ? v->errors[r->error] : (struct sampling_error){ 0 };
}

void view_finish(struct view *v); /* NULL-safe, zero-safe */

/* Brings the rows into their order. */
void view_sort(struct view *v);

#endif
