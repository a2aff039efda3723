/* releases - see releases.h. */
#include "releases.h"

#include <stdlib.h>

#include "format/mix.h"
#include "format/shm.h"

#define PLACES (1u << 18) /* the latest release of an address that was not given out again is mostly among so many */

struct released {
	uint64_t address; /* 0: none */
	uint64_t size;
	uint32_t allocated, released;
};

struct releases {
	struct released places[PLACES];
};

struct releases *releases_new(void)
{
	return calloc(1, sizeof(struct releases)); /* pages that are not touched cost nothing */
}

void releases_free(struct releases *r)
{
	free(r);
}

static struct released *place_of(struct releases *r, uint64_t address)
{
	return &r->places[trk_mix_address(address, 0) % PLACES];
}

/* What is made by new goes back by delete, new[] by delete[], and all else by free and its kin. */
static bool fits(uint8_t allocation, uint8_t release)
{
	const bool by_delete = release == TRK_DELETE, by_delete_array = release == TRK_DELETE_ARRAY;

	if (allocation == TRK_NEW)
		return by_delete;
	if (allocation == TRK_NEW_ARRAY)
		return by_delete_array;
	return !by_delete && !by_delete_array;
}

int releases_check(struct releases *r, const struct heap *h, uint32_t process, struct release_check *c)
{
	struct released *const place = place_of(r, c->address);
	struct heap_block b;

	if (heap_find(h, process, 0, c->address, &b)) {
		c->allocated = b.node;
		c->size = b.size;
		if (!fits(b.kind, c->kind))
			return SHM_FREED_OTHERWISE;
		*place = (struct released){ c->address, b.size, b.node, c->node };
		return 0;
	}
	if (place->address != c->address && c->inherits) {
		*place = (struct released){ .address = c->address, .released = c->node };
		return 0;
	}
	if (place->address != c->address)
		return SHM_FREED_NOTHING;
	c->allocated = place->allocated;
	c->released = place->released;
	c->size = place->size;
	return SHM_FREED_TWICE;
}
