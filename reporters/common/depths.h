/*
 * depths - how deep the stacks of call-tree nodes were, in frames that are not inlined.
 */
#ifndef DEPTHS_H
#define DEPTHS_H

#include "replay/capture.h"

/* By node, also by those that capture_stack() takes for others; 0: of the root, or not known. malloc'ed; NULL: no memory. */
uint32_t *depths_new(const struct capture *c);

#endif
