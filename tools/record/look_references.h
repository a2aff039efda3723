/* look_references - which block points to which, and the base classes of types: what a look for classes takes out of the copy besides. */
#ifndef RECORD_LOOK_REFERENCES_H
#define RECORD_LOOK_REFERENCES_H

#include "libtracker/look_mark.h"

struct look_references {
	uint32_t *counts, *targets; /* as in look_mark.h; NULL: nothing is known */
	uint64_t target_count, cut;
	char **bases; /* LOOK_TYPES, by place: mangled names of base classes, a newline between; NULL: it has none */
};

/* `there` is what was marked in the memory of `marker`, about that of `copy`. Without memory, nothing is known. look_references_finish is due. */
void look_references_read(struct look_references *x, uint32_t marker, uint32_t copy, const struct look_marking *there);
void look_references_finish(struct look_references *x); /* zero-safe */

#endif
