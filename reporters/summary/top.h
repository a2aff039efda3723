/*
 * top - the places that allocate, by what they allocated themselves: those that hold most at the point, those that call allocation
 * functions most often, and those that make most temporary blocks. tracker summary --own.
 */
#ifndef REPORTERS_SUMMARY_TOP_H
#define REPORTERS_SUMMARY_TOP_H

#include "common/ranking.h"
#include "common/report.h"
#include "common/short_paths.h"

enum top_list {
	TOP_PEAK,
	TOP_CALLS,
	TOP_TEMPORARY,
	TOP_LISTS,
};

struct top {
	struct view calls, temporary; /* beside the report's, of what lives */
	struct ranking rows[TOP_LISTS]; /* the biggest first */
	struct ranked total[TOP_LISTS];
};

/* Asks the capture for the two other views. An exit code, or TRK_ERR_NOMEM. */
int top_find(struct top *t, struct report *r);
/* "top". most: rows of each list. paths: how people read files; filled in here. TRK_ERR_NOMEM. */
int top_describe(const struct top *t, const struct report *r, struct emit *e, size_t most, struct short_paths *paths);
/* A stack in one line: its place, and who called it; malloc'ed. NULL: no memory. */
char *top_place(const struct report *r, uint32_t node, const struct short_paths *paths);
void top_finish(struct top *t); /* zero-safe */

#endif
