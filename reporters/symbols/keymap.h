/*
 * keymap - 64-bit keys -> 32-bit ids, in one growing table.
 */
#ifndef KEYMAP_H
#define KEYMAP_H

#include <stddef.h>
#include <stdint.h>

#define KEYMAP_NONE UINT32_MAX

struct keymap { /* zeroes: an empty one */
	uint64_t *keys;
	uint32_t *ids; /* KEYMAP_NONE: free */
	size_t room, count;
};

void keymap_finish(struct keymap *m); /* NULL-safe, zero-safe */

/*
 * The place of `key`'s id; it holds KEYMAP_NONE when the key is new, and the
 * caller then stores one there. Valid until the next call. NULL: no memory.
 */
uint32_t *keymap_at(struct keymap *m, uint64_t key);

#endif
