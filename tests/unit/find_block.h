/* find_block - which live block holds an address: the slow and obvious way, by a look at each. */
#ifndef FIND_BLOCK_H
#define FIND_BLOCK_H

#include "replay/heap.h"

struct find_block {
	uint32_t process;
	uint64_t address;
	const struct heap_block *found;
};

static inline int find_block_look(void *data, const struct heap_block *b)
{
	struct find_block *const f = data;

	if (b->process == f->process && f->address >= b->address && f->address - b->address < b->size)
		f->found = b;
	return 0;
}

/* Of a mapping: the piece. NULL: there is none. */
static inline const struct heap_block *find_block(const struct heap *h, uint32_t process, uint64_t address)
{
	struct find_block f = { process, address, NULL };

	(void)heap_each(h, find_block_look, &f);
	return f.found;
}

#endif
