/*
 * branches - the biggest stacks of a view as one tree, callers first.
 */
#ifndef REPORTERS_BRANCHES_H
#define REPORTERS_BRANCHES_H

#include "common/report.h"
#include "common/stack_tree.h"

struct branch {
	uint64_t bytes, count, own;
	size_t last; /* the stack that was added last */
};

/* What stands in a stack: a call. */
struct branch_call {
	char *function, *file;
	uint32_t line;
};

struct branch_stack {
	uint32_t node;
	uint64_t bytes, count;
};

struct branches {
	bool hides_runtime; /* the caller's: frames below main are left out */
	struct branch_stack *stacks; /* the rows that pass the filters, the biggest first */
	size_t stack_count, shown; /* so many of them are in the tree */
	struct stack_tree tree; /* the biggest child first; its items are calls */
	struct branch *branches; /* by node of the tree */
	struct branch_call *calls;
	struct idmap by_call; /* places in `calls`, from 1 */
	size_t branch_room, call_count, call_room;
	uint64_t bytes, count; /* of all stacks that passed the filters */
	struct sampling_error error; /* of these */
};

/* Fills the tree with the `biggest` stacks of r's view (0: all). TRK_ERR_NOMEM. */
int branches_find(struct branches *t, const struct report *r, size_t biggest);
void branches_finish(struct branches *t);

#endif
