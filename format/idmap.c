/* idmap - see idmap.h. */
#include "format/idmap.h"

#define FIRST_ROOM 256u

bool idmap_grow(struct idmap *m)
{
	struct idmap larger = { .room = m->room ? m->room * 2 : FIRST_ROOM, .used = m->used };

	if (!larger.room)
		return false;
	larger.slots = calloc(larger.room, sizeof(*larger.slots));
	if (!larger.slots)
		return false;
	for (uint32_t i = 0; i < m->room; i++) {
		if (m->slots[i])
			idmap_put(&larger, m->slots[i]);
	}
	free(m->slots);
	*m = larger;
	return true;
}
