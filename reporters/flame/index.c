/* index - open addressing with linear probing, at most half full. */
#include "flame/index.h"

#include <stdlib.h>

#include "format/mix.h"
#include "format/trk.h"

uint64_t flame_hash(const void *bytes, size_t n)
{
	return trk_mix_bytes(bytes, n);
}

uint32_t flame_index_find(const struct flame_index *x, uint64_t hash, flame_same_fn *same,
			  const void *owner, const void *key)
{
	if (!x->slots)
		return FLAME_NONE;
	for (size_t i = hash & x->mask; x->slots[i].entry != FLAME_NONE; i = (i + 1) & x->mask) {
		if (x->slots[i].hash == (uint32_t)hash && same(owner, x->slots[i].entry, key))
			return x->slots[i].entry;
	}
	return FLAME_NONE;
}

static void put(struct flame_index *x, uint32_t hash, uint32_t entry)
{
	size_t i = hash & x->mask;

	while (x->slots[i].entry != FLAME_NONE)
		i = (i + 1) & x->mask;
	x->slots[i] = (struct flame_slot){ hash, entry };
}

static int grow(struct flame_index *x)
{
	const struct flame_index old = *x;
	const size_t size = old.slots ? (old.mask + 1) * 2 : 256;

	if (size > UINT32_MAX)
		return TRK_ERR_NOMEM; /* the hash kept in a slot has 32 bits */
	x->slots = malloc(size * sizeof(*x->slots));
	if (!x->slots) {
		*x = old;
		return TRK_ERR_NOMEM;
	}
	x->mask = size - 1;
	for (size_t i = 0; i < size; i++)
		x->slots[i].entry = FLAME_NONE;
	for (size_t i = 0; old.slots && i <= old.mask; i++) {
		if (old.slots[i].entry != FLAME_NONE)
			put(x, old.slots[i].hash, old.slots[i].entry);
	}
	free(old.slots);
	return 0;
}

int flame_index_add(struct flame_index *x, uint64_t hash, uint32_t entry)
{
	if (!x->slots || (x->count + 1) * 2 > x->mask) {
		const int err = grow(x);
		if (err)
			return err;
	}
	put(x, (uint32_t)hash, entry);
	x->count++;
	return 0;
}

void flame_index_finish(struct flame_index *x)
{
	free(x->slots);
	*x = (struct flame_index){ 0 };
}

int flame_room(void **array, size_t *room, size_t count, size_t element_bytes)
{
	if (count < *room)
		return 0;
	const size_t more = *room ? *room * 2 : 64;
	void *const moved = reallocarray(*array, more, element_bytes);
	if (!moved)
		return TRK_ERR_NOMEM;
	*array = moved;
	*room = more;
	return 0;
}
