/*
 * branches - the biggest stacks of a view as one tree, callers first.
 */
#ifndef REPORTERS_BRANCHES_H
#define REPORTERS_BRANCHES_H

#include "common/report.h"

#define BRANCH_NONE UINT32_MAX

struct branch {
	char *function, *file;
	uint64_t bytes, count, own;
	uint32_t line, child, next; /* indices into branches; the biggest child first */
};

struct branch_stack {
	uint32_t node;
	uint64_t bytes, count;
};

struct branches {
	bool hides_runtime; /* the caller's: what is below main is left out */
	struct branch_stack *stacks; /* that pass the filters, the biggest first */
	size_t stack_count, shown; /* so many of them are in the tree */
	struct branch *branches; /* 0: the root */
	size_t branch_count, branch_room;
	uint64_t bytes, count; /* of all stacks that passed the filters */
	struct sampling_error error; /* of these */
};

/* Of r's view: the `biggest` stacks (0: all). TRK_ERR_NOMEM. */
int branches_find(struct branches *t, const struct report *r, size_t biggest);
void branches_finish(struct branches *t);

#endif
