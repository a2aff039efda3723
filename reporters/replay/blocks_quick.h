/*
 * blocks_quick - blocks of domain 0 into the table and out of it, where that takes no memory and meets nothing that is
 * rare. All inline; see blocks.h.
 */
#ifndef REPLAY_BLOCKS_QUICK_H
#define REPLAY_BLOCKS_QUICK_H

#include "replay/blocks.h"

/* A block that is found: its slot, and its place in the table. */
struct blocks_place {
	struct block *b;
	uint32_t slot, place;
};

/* As blocks_add. NULL: there may be a block, or memory is needed; nothing has changed. */
__attribute__((always_inline)) static inline struct block *blocks_quick_add(struct blocks *s, uint64_t address)
{
	const uint32_t hash = blocks_hash(BLOCKS_DOMAIN(0), address), slot = s->free_slot ? s->free_slot - 1 : s->slot_count;
	uint32_t i = hash >> s->shift;

	if (s->used >= s->most || slot >= s->slot_room)
		return NULL;
	for (; s->table[i]; i = (i + 1) & s->mask)
		if (s->table[i] >> 32 == hash)
			return NULL;

	struct block *const b = blocks_slot(s, slot);

	if (s->free_slot)
		s->free_slot = (uint32_t)b->b.number;
	else
		s->slot_count++;
	s->live++;
	s->used++;
	s->table[i] = (uint64_t)hash << 32 | (slot + 1);
	return b;
}

/* NULL: there may be none. */
__attribute__((always_inline)) static inline const struct block *blocks_quick_find(const struct blocks *s, uint64_t address,
										   struct blocks_place *ret)
{
	const uint32_t hash = blocks_hash(BLOCKS_DOMAIN(0), address);
	uint32_t i = hash >> s->shift;

	if (!s->used)
		return NULL;
	while (s->table[i] && s->table[i] >> 32 != hash)
		i = (i + 1) & s->mask;
	ret->place = i;
	ret->slot = (uint32_t)s->table[i] - 1;
	if (!s->table[i])
		return NULL;
	ret->b = blocks_slot(s, ret->slot);
	return ret->b->b.address == address && ret->b->space == BLOCKS_DOMAIN(0) ? ret->b : NULL;
}

__attribute__((always_inline)) static inline void blocks_quick_remove(struct blocks *s, const struct blocks_place *at)
{
	if (s->table[(at->place + 1) & s->mask])
		blocks_clear_place(s, at->place);
	else
		s->table[at->place] = 0;
	at->b->b.kind = 0;
	at->b->b.number = s->free_slot;
	s->free_slot = at->slot + 1;
	s->live--;
	s->used--;
}

#endif
