/*
 * idmap - the map of the tables of ids: from a hash to the numbers (from 1) of things that the caller keeps.
 *
 * Open addressing over (hash << 32 | id), at most half full, so that growing does not look at the things themselves.
 * Several ids may have the same hash; the caller compares. Entries are never removed. A zeroed struct is an empty
 * map.
 */
#ifndef TRK_IDMAP_H
#define TRK_IDMAP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

struct idmap {
	uint64_t *slots;
	uint32_t room; /* power of two, or 0 */
	uint32_t used;
};

/* For idmap_reserve: makes twice the room. False: there is no memory, and nothing has changed. */
bool idmap_grow(struct idmap *m);

/* Makes room for one more id; then idmap_add of it cannot fail. False: there is no memory. */
static inline bool idmap_reserve(struct idmap *m)
{
	return m->used < m->room / 2 || idmap_grow(m);
}

static inline void idmap_put(struct idmap *m, uint64_t slot)
{
	uint32_t i = (uint32_t)(slot >> 32) & (m->room - 1);

	while (m->slots[i])
		i = (i + 1) & (m->room - 1);
	m->slots[i] = slot;
}

/* The caller has reserved. id: not 0. */
static inline void idmap_add(struct idmap *m, uint32_t hash, uint32_t id)
{
	idmap_put(m, (uint64_t)hash << 32 | id);
	m->used++;
}

/* The next id filed under hash, from *at on (start with *at = hash); 0: no more. */
static inline uint32_t idmap_next(const struct idmap *m, uint32_t hash, uint32_t *at)
{
	if (!m->room)
		return 0;
	for (;;) {
		const uint64_t slot = m->slots[*at & (m->room - 1)];

		++*at;
		if (!slot || (uint32_t)(slot >> 32) == hash)
			return (uint32_t)slot;
	}
}

static inline void idmap_finish(struct idmap *m)
{
	free(m->slots);
	*m = (struct idmap){ 0 };
}

#endif
