/* blocks - growing, adding and removing; see blocks.h. */
#include "replay/blocks.h"

#include <stdlib.h>

#define SMALLEST_TABLE_LOG2 6u

void blocks_finish(struct blocks *s)
{
	free(s->slots);
	free(s->table);
	*s = (struct blocks){ 0 };
}

static void table_put(struct blocks *s, uint32_t hash, uint32_t slot)
{
	uint32_t i = hash >> s->shift;

	while (s->table[i])
		i = (i + 1) & blocks_mask(s);
	s->table[i] = (uint64_t)hash << 32 | (slot + 1);
}

/* Empties a place and moves later entries of the run up, so that no probe meets a hole. */
static void table_clear(struct blocks *s, uint32_t place)
{
	const uint32_t mask = blocks_mask(s);
	uint32_t hole = place;

	for (uint32_t i = (place + 1) & mask; s->table[i]; i = (i + 1) & mask) {
		const uint32_t home = (uint32_t)(s->table[i] >> 32) >> s->shift;

		/* An entry may move up to its home, not before it. */
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			s->table[hole] = s->table[i];
			hole = i;
		}
	}
	s->table[hole] = 0;
}

static int table_grow(struct blocks *s)
{
	const uint32_t log2 = s->table ? 32 - s->shift + 1 : SMALLEST_TABLE_LOG2;
	struct blocks grown = *s;

	if (log2 > 31)
		return TRK_ERR_NOMEM;
	grown.shift = 32 - log2;
	grown.table = calloc(1ull << log2, sizeof(*grown.table));
	if (!grown.table)
		return TRK_ERR_NOMEM;
	for (uint64_t i = 0; s->table && i <= blocks_mask(s); i++) {
		if (s->table[i])
			table_put(&grown, (uint32_t)(s->table[i] >> 32),
				  (uint32_t)s->table[i] - 1);
	}
	free(s->table);
	*s = grown;
	return 0;
}

/* The slot freed last is the one most likely still in the cache. */
static uint32_t take_slot(struct blocks *s)
{
	if (s->free_slot) {
		const uint32_t slot = s->free_slot - 1;

		s->free_slot = (uint32_t)s->slots[slot].b.number;
		return slot;
	}
	if (s->slot_count == s->slot_room) {
		const uint32_t room = s->slot_room ? s->slot_room + s->slot_room / 2 : 32;
		struct block *slots = realloc(s->slots, (size_t)room * sizeof(*slots));

		if (!slots)
			return BLOCKS_NONE;
		s->slots = slots;
		s->slot_room = room;
	}
	return s->slot_count++;
}

struct block *blocks_add(struct blocks *s, uint32_t space, uint64_t address)
{
	uint32_t slot;

	if (!s->table || s->used >= blocks_mask(s) / 2) {
		if (table_grow(s) != 0)
			return NULL;
	}
	slot = take_slot(s);
	if (slot == BLOCKS_NONE)
		return NULL;
	table_put(s, blocks_hash(space, address), slot);
	s->used++;
	s->slots[slot].b.address = address;
	s->slots[slot].space = space;
	return &s->slots[slot];
}

void blocks_remove(struct blocks *s, uint32_t place)
{
	const uint32_t slot = (uint32_t)s->table[place] - 1;

	table_clear(s, place);
	s->slots[slot].b.kind = 0;
	s->slots[slot].b.number = s->free_slot;
	s->free_slot = slot + 1;
	s->used--;
}

void blocks_move(struct blocks *s, uint32_t place, uint32_t space)
{
	const uint32_t slot = (uint32_t)s->table[place] - 1;
	struct block *b = &s->slots[slot];

	table_clear(s, place);
	b->space = space;
	table_put(s, blocks_hash(space, b->b.address), slot);
}
