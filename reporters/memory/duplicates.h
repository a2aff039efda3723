/* duplicates - blocks that held the same bytes as others when the memory was looked at, and those that held only zeros. */
#ifndef REPORTERS_MEMORY_DUPLICATES_H
#define REPORTERS_MEMORY_DUPLICATES_H

#include "replay/looked_memory.h"
#include "replay/looks.h"
#include "stack_rows.h"

struct duplicates {
	bool known; /* blocks were compared */
	uint64_t copies, copy_bytes; /* blocks for each of which another one before it holds the same */
	uint64_t originals; /* the first ones of these */
	uint64_t zeros, zero_bytes, zero_resident; /* blocks of zeros; what of them is in memory */
	struct stack_rows copied, zeroed; /* copies, and blocks of zeros, by their stacks */
};

/* TRK_ERR_NOMEM. duplicates_finish is due either way. */
int duplicates_find(struct duplicates *d, const struct looked *look, const struct looked_memory *m);
void duplicates_finish(struct duplicates *d); /* zero-safe */

#endif
