/*
 * idmap - 64-bit keys -> 32-bit ids, in one growing table.
 */
#ifndef IDMAP_H
#define IDMAP_H

#include <stddef.h>
#include <stdint.h>

#define IDMAP_NONE UINT32_MAX

struct idmap { /* zeroes: an empty one */
	uint64_t *keys;
	uint32_t *ids; /* IDMAP_NONE: free */
	size_t room, count;
};

void idmap_finish(struct idmap *m); /* NULL-safe, zero-safe */

/*
 * The place of `key`'s id; it holds IDMAP_NONE when the key is new, and the
 * caller then stores one there. Valid until the next call. NULL: no memory.
 */
uint32_t *idmap_at(struct idmap *m, uint64_t key);

#endif
