/*
 * look_contents - which blocks of a program hold the same bytes, and which hold only zeros. They are read from the copy that a look is
 * made in. What was never touched is zeros, and is not touched.
 */
#ifndef RECORD_LOOK_CONTENTS_H
#define RECORD_LOOK_CONTENTS_H

#include "look_read.h"
#include "look_table.h"

struct look_content {
	uint64_t hash, size;
	uint32_t block;
};

struct look_contents {
	/* Given. */
	const struct look_table *table;
	struct look_read *read;

	struct look_content *list;
	uint32_t *numbers; /* by block, when it has finished: MEMORY_UNIQUE, MEMORY_ZEROS, or that of equal blocks */
	uint32_t count; /* of blocks that were read */
	bool no_memory;
};

/* Goes on until it has read about so many bytes. True: it has finished, or there is no memory. */
bool look_contents_compare(struct look_contents *c, uint64_t bytes);
void look_contents_finish(struct look_contents *c); /* zero-safe */

#endif
