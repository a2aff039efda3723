/*
 * by_look - the types that looks at the memory say of blocks, by the pointers to virtual tables in them (docs/LOOK.md): C++ programs need no
 * debug information and no symbols for that.
 */
#ifndef REPORTERS_TYPES_BY_LOOK_H
#define REPORTERS_TYPES_BY_LOOK_H

#include "common/block_types.h"
#include "common/report.h"
#include "replay/looks.h"

/* Blocks of one stack, thread and function that have one type. */
struct looked_type {
	const struct looked *look;
	uint64_t bytes, count;
	uint32_t process, node, thread, type; /* type: a number of the look */
	uint8_t kind, held;
};

struct looked_types {
	struct looks looks;
	struct looked_type *list; /* by process, node, kind and thread */
	size_t count;
};

/* Of the blocks of r's view. What cannot be read is left out. TRK_ERR_NOMEM, or an error of the capture. */
int looked_types_find(struct looked_types *t, struct report *r);
void looked_types_finish(struct looked_types *t); /* zero-safe */

/* Those of a row, up to *ret_end; NULL: there are none. */
const struct looked_type *looked_types_of_row(const struct looked_types *t, const struct view_row *row, const struct looked_type **ret_end);

/* "geo::Node", "geo::Node[]", "holds geo::Node". */
void looked_type_name(const struct looked_type *t, char buf[TYPE_ROOM]);

#endif
