/* process_tree - the processes of a capture as a tree, in which those of one name that have parents of one name are one. */
#ifndef REPORTERS_PROCESS_TREE_H
#define REPORTERS_PROCESS_TREE_H

#include "common/report.h"

/* "process_tree". TRK_ERR_NOMEM. */
int process_tree_describe(const struct report *r, struct emit *e);

#endif
