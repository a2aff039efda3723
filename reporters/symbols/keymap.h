/*
 * keymap - 64-bit keys -> 32-bit numbers that the caller chooses, on format/idmap.h.
 */
#ifndef KEYMAP_H
#define KEYMAP_H

#include <stddef.h>
#include <stdint.h>

#include "format/idmap.h"

#define KEYMAP_NONE UINT32_MAX

struct keymap { /* zeroes: an empty one */
	struct idmap map; /* places in `entries`, from 1 */
	struct keymap_entry {
		uint64_t key;
		uint32_t number;
	} * entries;
	size_t room, count;
};

void keymap_finish(struct keymap *m); /* NULL-safe, zero-safe */

/*
 * The place of `key`'s number; it holds KEYMAP_NONE when the key is new, and the
 * caller then stores one there. Valid until the next call. NULL: no memory.
 */
uint32_t *keymap_at(struct keymap *m, uint64_t key);

#endif
