/*
 * branches - the biggest stacks of a view as one tree: from the callers down to the functions that allocate, or the other way round; or the
 * parts of them above or below one function.
 */
#ifndef REPORTERS_BRANCHES_H
#define REPORTERS_BRANCHES_H

#include "common/report.h"
#include "common/stack_tree.h"

enum branches_way {
	BRANCHES_DOWN, /* callers first */
	BRANCHES_UP, /* the functions that allocate first */
	BRANCHES_CALLEES, /* from the function down */
	BRANCHES_CALLERS, /* from the function up */
};

struct branch {
	uint64_t bytes, count;
	uint64_t own; /* what the function allocated itself */
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
	/* the caller's: */
	bool hides_runtime; /* frames below main are left out */
	enum branches_way way;
	const char *function; /* a shell pattern: of the stacks with such a function; NULL: of all */
	/* the rest: */
	struct branch_stack *stacks; /* the rows that pass the filters, and have the function, the biggest first */
	size_t stack_count, shown; /* so many of them are in the tree */
	struct stack_tree tree; /* the biggest child first; its items are calls */
	struct branch *branches; /* by node of the tree */
	struct branch_call *calls;
	struct idmap by_call; /* places in `calls`, from 1 */
	size_t branch_room, call_count, call_room;
	uint64_t bytes, count; /* of all stacks that passed the filters, with the function and without it */
	uint64_t found_bytes, found_count; /* of `stacks` */
	struct sampling_error error; /* of these */
};

/* Fills the tree with the `biggest` stacks of r's view (0: all). TRK_ERR_NOMEM. */
int branches_find(struct branches *t, const struct report *r, size_t biggest);
void branches_finish(struct branches *t);

#endif
