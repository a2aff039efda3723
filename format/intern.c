/*
 * intern - the tables behind the writer's ids.
 *
 * A table grows by doubling and never forgets. A failed allocation leaves it as
 * it was, so the caller may go on without the new entry.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "format/array.h"
#include "format/intern.h"
#include "format/large.h"
#include "format/mix.h"

#define FIRST_NODES 256u
#define LIST_CHILDREN 16u /* a longer list would be slower than the map */

/* ---- byte strings ---- */

static bool pool_reserve(struct pool *p, uint32_t size)
{
	if (!idmap_reserve(&p->map) || p->count == UINT32_MAX ||
	    !ARRAY_ROOM(p->entries, p->entry_room, p->count + 1, 256))
		return false;
	return ARRAY_ROOM(p->bytes, p->room, p->size + size, 4096);
}

uint32_t pool_find(struct pool *p, const void *bytes, uint32_t size, bool *ret_new)
{
	const uint32_t hash = (uint32_t)(trk_mix_bytes(bytes, size) >> 32);
	uint32_t at = hash, id;

	*ret_new = false;
	while ((id = idmap_next(&p->map, hash, &at))) {
		const struct pool_entry *e = &p->entries[id - 1];

		if (e->size == size && !memcmp(p->bytes + e->at, bytes, size))
			return id;
	}
	if (!pool_reserve(p, size))
		return 0;
	memcpy(p->bytes + p->size, bytes, size);
	p->entries[p->count++] = (struct pool_entry){ .at = p->size, .size = size };
	p->size += size;
	idmap_add(&p->map, hash, p->count);
	*ret_new = true;
	return p->count;
}

void pool_finish(struct pool *p)
{
	idmap_finish(&p->map);
	free(p->bytes);
	free(p->entries);
	*p = (struct pool){ 0 };
}

/* ---- frames and nodes ---- */

static uint32_t mix(uint64_t a, uint32_t b)
{
	return (uint32_t)(trk_mix(a, b) >> 32);
}

uint32_t frame_table_find(struct frame_table *t, uint32_t module, uint64_t offset, bool *ret_new)
{
	const uint32_t hash = mix(offset, module);
	uint32_t at = hash, id;

	*ret_new = false;
	while ((id = idmap_next(&t->map, hash, &at))) {
		if (t->entries[id].offset == offset && t->entries[id].module == module)
			return id;
	}
	if (t->count >= UINT32_MAX - 1 || !idmap_reserve(&t->map) ||
	    !ARRAY_ROOM(t->entries, t->room, t->count + 2, 256))
		return 0;
	id = ++t->count;
	t->entries[id] = (struct frame_entry){ .offset = offset, .module = module };
	idmap_add(&t->map, hash, id);
	*ret_new = true;
	return id;
}

void frame_table_finish(struct frame_table *t)
{
	idmap_finish(&t->map);
	free(t->entries);
	*t = (struct frame_table){ 0 };
}

/* A walk through a tree of millions of nodes goes to another page with nearly each step. */
static bool node_table_reserve(struct node_table *t)
{
	const uint32_t room = t->room ? t->room > UINT32_MAX / 2 ? UINT32_MAX : 2 * t->room : FIRST_NODES;
	struct node_entry *entries;

	if (t->count >= UINT32_MAX - 1)
		return false;
	if (t->count + 2 <= t->room)
		return true;
	entries = large_grow(t->entries, t->room * sizeof(*entries), room * sizeof(*entries));
	if (!entries)
		return false;
	t->entries = entries;
	t->room = room;
	return true;
}

/* The first child that a node gets mostly gets the next number, and so it stands beside its parent. */
static inline bool follows(const struct node_table *t, uint32_t parent, uint32_t frame)
{
	const struct node_entry *const next = &t->entries[parent + 1];

	return parent < t->count && next->parent == parent && next->frame == frame;
}

/* The child of `parent` with that frame, if it stands in the list; *ret_length: how many children the list has. */
static uint32_t list_find(struct node_table *t, uint32_t parent, uint32_t frame,
			  uint32_t *ret_length)
{
	struct node_entry *n = t->entries;
	uint32_t before = 0, length = 0;

	for (uint32_t id = n[parent].child; id; before = id, id = n[id].sibling, length++) {
		if (n[id].frame != frame)
			continue;
		if (before) { /* move to the front */
			n[before].sibling = n[id].sibling;
			n[id].sibling = n[parent].child;
			n[parent].child = id;
		}
		return id;
	}
	*ret_length = length;
	return 0;
}

static uint32_t wide_find(const struct node_table *t, uint32_t parent, uint32_t frame,
			  uint32_t hash)
{
	uint32_t at = hash, id;

	while ((id = idmap_next(&t->wide, hash, &at))) {
		if (t->entries[id].frame == frame && t->entries[id].parent == parent)
			return id;
	}
	return 0;
}

uint32_t node_table_find(struct node_table *t, uint32_t parent, uint32_t frame, bool *ret_new)
{
	const uint32_t hash = mix(frame, parent);
	uint32_t id, length = 0;

	assert(parent <= t->count);
	*ret_new = false;
	if (t->room) {
		if (follows(t, parent, frame))
			return parent + 1;
		id = list_find(t, parent, frame, &length);
		if (!id && length == LIST_CHILDREN)
			id = wide_find(t, parent, frame, hash);
		if (id)
			return id;
	}
	if (!node_table_reserve(t) || (length == LIST_CHILDREN && !idmap_reserve(&t->wide)))
		return 0;
	id = ++t->count;
	t->entries[id] = (struct node_entry){ .frame = frame, .parent = parent };
	if (length < LIST_CHILDREN) {
		t->entries[id].sibling = t->entries[parent].child;
		t->entries[parent].child = id;
	} else {
		idmap_add(&t->wide, hash, id);
	}
	*ret_new = true;
	return id;
}

void node_table_finish(struct node_table *t)
{
	idmap_finish(&t->wide);
	large_free(t->entries, t->room * sizeof(*t->entries));
	*t = (struct node_table){ 0 };
}
