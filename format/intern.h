/*
 * intern - gives every distinct thing one small dense number, from 1.
 *
 * The writer's private tables: byte strings (strings and modules), frames, and
 * the call tree. Each struct may start zeroed, is released by its finish, and
 * answers 0 when memory or numbers run out.
 */
#ifndef TRK_INTERN_H
#define TRK_INTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/idmap.h"

struct pool {
	struct idmap map;
	uint8_t *bytes;
	size_t size, room;
	struct pool_entry {
		size_t at;
		uint32_t size;
	} * entries;
	uint32_t count, entry_room;
};

struct frame_table {
	struct idmap map;
	struct frame_entry {
		uint64_t offset;
		uint32_t module;
	} * entries; /* [0] is unused */
	uint32_t count, room;
};

/*
 * The call tree. The first few children of a node form a list that is searched
 * from the most recently used one: programs repeat themselves, so the first
 * step nearly always hits. The other children of a wide node (an interpreter's
 * dispatch loop, jitted code) stand in a map, so that no search is long.
 */
struct node_table {
	struct node_entry {
		uint32_t frame, parent, child, sibling;
	} * entries; /* [0] is the root */
	uint32_t count, room; /* count without the root */
	struct idmap wide;
};

/* ret_new: the id was given out just now. */
uint32_t pool_find(struct pool *p, const void *bytes, uint32_t size, bool *ret_new);
uint32_t frame_table_find(struct frame_table *t, uint32_t module, uint64_t offset, bool *ret_new);
uint32_t node_table_find(struct node_table *t, uint32_t parent, uint32_t frame, bool *ret_new);

void pool_finish(struct pool *p);
void frame_table_finish(struct frame_table *t);
void node_table_finish(struct node_table *t);

#endif
