/*
 * module_list - the files that a capture's stacks lead through, and what it knows of their symbols.
 */
#ifndef REPORTERS_MODULE_LIST_H
#define REPORTERS_MODULE_LIST_H

#include "replay/capture.h"
#include "ui/emit.h"

/* "modules". People see the `most` through which most frames lead. TRK_ERR_NOMEM. */
int module_list_describe(const struct capture *c, struct emit *e, size_t most);

#endif
