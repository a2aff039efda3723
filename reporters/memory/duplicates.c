/* duplicates - see duplicates.h. */
#include "duplicates.h"

#include <stdlib.h>

/* Whether a block of that number was met before. Numbers are at most those of the blocks. */
static bool was_met(uint8_t *met, uint32_t number)
{
	const bool before = met[number / 8] >> number % 8 & 1;

	met[number / 8] |= (uint8_t)(1u << number % 8);
	return before;
}

static int add(struct duplicates *d, const struct looked *look, uint32_t block, uint32_t number, uint8_t *met, struct looked_place *place)
{
	const struct looked_block *const b = &look->blocks[block];

	if (number == MEMORY_ZEROS) {
		d->zeros++;
		d->zero_bytes += b->size;
		d->zero_resident += looked_bytes(place, b->address, looked_end(look, block), MEMORY_RESIDENT);
		return stack_rows_add(&d->zeroed, b->node, b->size, 1);
	}
	if (!was_met(met, number)) {
		d->originals++;
		return 0;
	}
	d->copies++;
	d->copy_bytes += b->size;
	return stack_rows_add(&d->copied, b->node, b->size, 1);
}

int duplicates_find(struct duplicates *d, const struct looked *look, const struct looked_memory *m)
{
	const uint32_t most = look->count < m->content_count ? look->count : m->content_count;
	struct looked_place place = { .memory = m };
	uint8_t *met;
	int err = 0;

	*d = (struct duplicates){ .known = m->head.flags & MEMORY_HAS_CONTENTS };
	met = calloc((size_t)look->count / 8 + 2, 1);
	if (!met)
		return TRK_ERR_NOMEM;
	for (uint32_t i = 0; i < most && !err; i++)
		if (m->contents[i] != MEMORY_UNIQUE && m->contents[i] <= look->count + MEMORY_EQUAL)
			err = add(d, look, i, m->contents[i], met, &place);
	free(met);
	return err;
}

void duplicates_finish(struct duplicates *d)
{
	stack_rows_finish(&d->copied);
	stack_rows_finish(&d->zeroed);
}
