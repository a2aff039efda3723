/* row_types - what the blocks of a row of a view are, by all rules (common/block_types.h). */
#ifndef REPORTERS_TYPES_ROW_TYPES_H
#define REPORTERS_TYPES_ROW_TYPES_H

#include "types/by_look.h"

struct row_types {
	struct report *report;
	struct looked_types looked;
};

/* What the view of the report must hold. */
void row_types_ask(struct report *r);
/* Of r's view, for which row_types_ask was called. TRK_ERR_NOMEM, or an error of the capture; row_types_finish is due either way. */
int row_types_find(struct row_types *t, struct report *r);
void row_types_finish(struct row_types *t); /* zero-safe */

/* A type_each: `types` is a struct row_types. */
int row_types_each(void *types, const struct view_row *row, type_tell *tell, void *data);

#endif
