/*
 * origins - who asked for a block: the most recent frame that neither belongs to an allocator nor to a function of the program
 * that allocates for others, as xmalloc and sqlite3Malloc do. Such a function says so in its name, and has several callers.
 */
#ifndef REPORT_ORIGINS_H
#define REPORT_ORIGINS_H

#include "common/ranking.h"

struct origins {
	struct stacks *stacks;
	struct ranking pairs, callers; /* of such functions: with each caller, and how many callers there are */
};

/* Learns from the stacks of a view. TRK_ERR_NOMEM. */
int origins_learn(struct origins *o, const struct view *v);
/* The frames from that one on; at least one. via: what it called to allocate; NULL: an allocator. They live until the stacks are asked again. */
const struct source_frame *origins_frames(struct origins *o, uint32_t node, size_t *ret_count, const char **ret_via);
/* Adds every row of a view, by its origin. TRK_ERR_NOMEM. */
int origins_rank(struct origins *o, const struct view *v, struct ranking *ret);
int origins_rank_row(struct origins *o, const struct view_row *r, struct ranking *ret);
void origins_finish(struct origins *o);

#endif
