/* look_named - the types that virtual tables say of blocks, by name: what look_types found in the copy of a process. */
#ifndef RECORD_LOOK_NAMED_H
#define RECORD_LOOK_NAMED_H

#include "libtracker/look_mark.h"

struct look_named {
	uint32_t *of; /* by block, as look_types leaves it; NULL: nothing is known */
	char **names; /* LOOK_TYPES, by place; NULL: it has none that can be read */
};

/* `there` is what process `pid` has marked, whose tables lie in its memory; the names lie in that of `named`. Without memory, nothing is known. look_named_finish is due. */
void look_named_read(struct look_named *n, uint32_t pid, uint32_t named, const struct look_marking *there);
void look_named_finish(struct look_named *n); /* zero-safe */

/* The place of the name of the block's type; LOOK_TYPES: it has none. *ret: enum look_held. */
uint32_t look_named_place(const struct look_named *n, uint32_t block, uint8_t *ret);

#endif
