/*
 * keymap - open addressing with linear steps, at most two thirds full.
 */
#include "symbols/keymap.h"

#include <stdlib.h>
#include <string.h>

#include "format/mix.h"

static size_t slot_of(uint64_t key, size_t room)
{
	return trk_mix(key, 0) & (room - 1);
}

static size_t find(const struct keymap *m, uint64_t key)
{
	size_t i = slot_of(key, m->room);

	while (m->ids[i] != KEYMAP_NONE && m->keys[i] != key)
		i = (i + 1) & (m->room - 1);
	return i;
}

static int grow(struct keymap *m)
{
	const size_t room = m->room ? m->room * 2 : 256;
	struct keymap bigger = { malloc(room * sizeof(*m->keys)), malloc(room * sizeof(*m->ids)),
				 room, m->count };

	if (!bigger.keys || !bigger.ids) {
		keymap_finish(&bigger);
		return -1;
	}
	memset(bigger.ids, 0xff, room * sizeof(*m->ids));
	for (size_t i = 0; i < m->room; i++) {
		if (m->ids[i] == KEYMAP_NONE)
			continue;
		const size_t to = find(&bigger, m->keys[i]);
		bigger.keys[to] = m->keys[i];
		bigger.ids[to] = m->ids[i];
	}
	keymap_finish(m);
	*m = bigger;
	return 0;
}

uint32_t *keymap_at(struct keymap *m, uint64_t key)
{
	if (m->room - m->room / 3 <= m->count + 1 && grow(m) < 0)
		return NULL;
	const size_t i = find(m, key);
	if (m->ids[i] == KEYMAP_NONE) {
		m->keys[i] = key;
		m->count++;
	}
	return &m->ids[i];
}

void keymap_finish(struct keymap *m)
{
	if (!m)
		return;
	free(m->keys);
	free(m->ids);
	*m = (struct keymap){ 0 };
}
