/*
 * stack_tree - stacks as paths from a root: stacks that begin alike share their first nodes. What stands in a stack is an
 * item, a number that the caller gives to a frame, a line, a function. What else a node has the caller keeps, by its number.
 */
#ifndef STACK_TREE_H
#define STACK_TREE_H

#include <stddef.h>
#include <stdint.h>

#include "format/idmap.h"

struct stack_tree {
	struct stack_tree_node {
		uint32_t parent, item;
	} * nodes; /* 0: the root; a parent stands before its children */
	size_t count, room;
	struct idmap by_child;
	uint32_t *children, *child_start; /* of n: children[child_start[n] .. child_start[n + 1]); after stack_tree_sort */
};

/* With the root alone, whose item is 0. TRK_ERR_NOMEM. */
int stack_tree_init(struct stack_tree *t);
void stack_tree_finish(struct stack_tree *t); /* zero-safe */

/* The child of `parent` for that item; a new one has the number that `count` was. TRK_ERR_NOMEM. */
int stack_tree_child(struct stack_tree *t, uint32_t parent, uint32_t item, uint32_t *ret);

/* That child; 0: there is none. */
uint32_t stack_tree_find(const struct stack_tree *t, uint32_t parent, uint32_t item);

/*
 * Lists the children of every node in that order of two numbers of nodes (for qsort_r; `data` is passed on). Nothing can be
 * added any more. TRK_ERR_NOMEM.
 */
int stack_tree_sort(struct stack_tree *t, int (*order)(const void *a, const void *b, void *data), void *data);

#endif
