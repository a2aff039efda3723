/*
 * ranking - bytes and counts by text: the top locations and modules of a report.
 */
#ifndef RANKING_H
#define RANKING_H

#include "format/idmap.h"
#include "replay/view.h"
#include "symbols/stack.h"

struct ranked {
	char *key;
	uint64_t bytes, count;
	uint32_t node; /* of ranking_of_view and ranking_add_row: the stack with the most bytes */
	uint64_t node_bytes;
};

struct ranking {
	struct ranked *items;
	size_t count, room;
	struct idmap by_key; /* places in `items`, from 1 */
};

/* TRK_ERR_NOMEM. The key is copied. */
int ranking_add(struct ranking *s, const char *key, uint64_t bytes, uint64_t count);
/* The same of a row, by "function:file:line" of a frame of its stack. */
int ranking_add_row(struct ranking *s, const struct view_row *r, const struct source_frame *f);
/* NULL: it was never added. Not after sorting. */
struct ranked *ranking_find(struct ranking *s, const char *key);
void ranking_finish(struct ranking *s); /* NULL-safe, zero-safe */

/* Biggest first; the other figure, then the key decide between equals. */
void ranking_sort_by_bytes(struct ranking *s);
void ranking_sort_by_count(struct ranking *s);

/*
 * Adds every row of a view, by "function:file:line" and (NULL: not) by the path of
 * the module, both of the most recent frame that is no allocator.
 */
int ranking_of_view(const struct view *v, struct stacks *stacks, struct ranking *locations,
		    struct ranking *modules);

#endif
