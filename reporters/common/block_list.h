/*
 * block_list - the blocks of a view one by one: tracker table --list.
 */
#ifndef REPORTERS_BLOCK_LIST_H
#define REPORTERS_BLOCK_LIST_H

#include "common/report.h"
#include "common/traceback.h"

/* Tells what the view must hold for the list, when the question is known. */
void block_list_ask(struct view_options *o);
/*
 * The biggest first. Without a moment there are no single blocks: then an entry stands for as many blocks as its row
 * counts. TRK_ERR_NOMEM.
 */
int block_list_find(struct view *v, const struct view_options *o);
/* "blocks": the first `limit` (0: all) that pass the filters. traceback: NULL: without stacks. */
void block_list_describe(const struct report *r, struct emit *e, uint64_t limit, const struct traceback_options *traceback);

#endif
