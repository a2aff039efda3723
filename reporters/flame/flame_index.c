/* flame_index - see flame_index.h. */
#include "flame/flame_index.h"

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
	uint32_t at = (uint32_t)hash, id;

	while ((id = idmap_next(&x->map, (uint32_t)hash, &at)))
		if (same(owner, id - 1, key))
			return id - 1;
	return FLAME_NONE;
}

int flame_index_add(struct flame_index *x, uint64_t hash, uint32_t entry)
{
	if (!idmap_reserve(&x->map))
		return TRK_ERR_NOMEM;
	idmap_add(&x->map, (uint32_t)hash, entry + 1);
	return 0;
}

void flame_index_finish(struct flame_index *x)
{
	idmap_finish(&x->map);
}
