/*
 * several - several captures a side: how much of each row each of them holds, medians and spreads of that, and what they say together.
 * One capture a side is the same with a spread of nothing.
 */
#ifndef DIFF_SEVERAL_H
#define DIFF_SEVERAL_H

#include "common/group.h"
#include "ui/emit.h"

struct run {
	enum group_side side;
	struct group_value total;
	struct group_value *rows; /* by the number of the stat */
	size_t row_count;
};

struct runs {
	struct run *items;
	size_t count, room, of_side[GROUP_SIDES];
	size_t joined; /* rows that runs_settle has joined with others */
};

/* From the lowest to the highest of a side's captures. */
struct spread {
	uint64_t lowest, highest;
};

/* Adds what a capture holds. TRK_ERR_NOMEM. */
int runs_add(struct runs *runs, struct grouping *g, enum group_side side, const struct group_source *from);
/* When all are added: joins the rows that grouping_match says, if `match`, and gives every row of g the medians. TRK_ERR_NOMEM. */
int runs_settle(struct runs *runs, struct grouping *g, bool match);
void runs_finish(struct runs *runs); /* zero-safe */

/* Whether there are several captures of one side. */
bool runs_are_several(const struct runs *runs);
/* Of the bytes of a row, after runs_settle. */
struct spread runs_spread(const struct runs *runs, enum group_side side, const struct group_stat *s);
/* Whether all captures of one side have more bytes, or more blocks, of the row than all of the other. */
bool runs_have_changed(const struct runs *runs, const struct group_stat *s);
/* What the totals say, in a sentence: the figure "verdict". */
void runs_verdict(const struct runs *runs, const struct grouping *g, struct emit *e);

#endif
