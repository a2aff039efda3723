/* no_alloc - functions that may not allocate, and what was allocated below them all the same. */
#ifndef REPORTERS_NO_ALLOC_H
#define REPORTERS_NO_ALLOC_H

#include "common/report.h"

struct no_alloc_stack {
	uint32_t node;
	uint64_t bytes, count;
};

struct no_alloc_function {
	const char *pattern; /* a shell pattern for names as reports show them */
	bool known; /* a function has such a name: in a stack, or in the files of the capture's modules */
	uint64_t bytes, count; /* allocated with such a function in the stack */
	struct no_alloc_stack *stacks; /* the biggest of them */
	size_t stack_count;
};

struct no_alloc {
	struct no_alloc_function *items;
	size_t count;
	uint64_t cut_count; /* allocations without such a function, of whose stacks not all frames are known */
};

/* From the rows of r's view. stacks: so many are kept of a function. TRK_ERR_NOMEM. */
int no_alloc_find(struct no_alloc *u, struct report *r, const struct ui_list *patterns, size_t stacks);
/* The most recent of these frames that is such a function; n: none is. */
size_t no_alloc_place(const struct no_alloc_function *f, const struct source_frame *frames, size_t n);
void no_alloc_finish(struct no_alloc *u); /* zero-safe */

#endif
