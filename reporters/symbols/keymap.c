/* keymap - see keymap.h. */
#include "symbols/keymap.h"

#include <stdlib.h>

#include "format/array.h"
#include "format/mix.h"

uint32_t *keymap_at(struct keymap *m, uint64_t key)
{
	const uint32_t hash = (uint32_t)trk_mix(key, 0);
	uint32_t at = hash, id;

	while ((id = idmap_next(&m->map, hash, &at)))
		if (m->entries[id - 1].key == key)
			return &m->entries[id - 1].number;
	if (!idmap_reserve(&m->map) || !ARRAY_ROOM(m->entries, m->room, m->count + 1, 128))
		return NULL;
	m->entries[m->count++] = (struct keymap_entry){ key, KEYMAP_NONE };
	idmap_add(&m->map, hash, (uint32_t)m->count);
	return &m->entries[m->count - 1].number;
}

void keymap_finish(struct keymap *m)
{
	if (!m)
		return;
	idmap_finish(&m->map);
	free(m->entries);
	*m = (struct keymap){ 0 };
}
