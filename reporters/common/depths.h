/*
 * depths - how deep the stacks of call-tree nodes were, in frames that are not inlined.
 */
#ifndef DEPTHS_H
#define DEPTHS_H

#include "replay/capture.h"

/*
 * The depths by node, also of nodes for which capture_stack() returns another. 0: the root, or not known. malloc'ed;
 * NULL: there is no memory.
 */
uint32_t *depths_new(const struct capture *c);

#endif
