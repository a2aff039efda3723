/*
 * flame_index - a hash index over entries that the caller keeps in an array: from a hash to the number of the entry.
 * Entries are never removed.
 */
#ifndef FLAME_INDEX_H
#define FLAME_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/idmap.h"

#define FLAME_NONE UINT32_MAX

struct flame_index {
	struct idmap map; /* entry + 1 */
};

/* Whether `entry` is the one that `key` describes. */
typedef bool flame_same_fn(const void *owner, uint32_t entry, const void *key);

uint32_t flame_index_find(const struct flame_index *x, uint64_t hash, flame_same_fn *same,
			  const void *owner, const void *key);
/* The entry must not be there yet. TRK_ERR_NOMEM. */
int flame_index_add(struct flame_index *x, uint64_t hash, uint32_t entry);
void flame_index_finish(struct flame_index *x); /* zero-safe */

/* Hash of a few numbers. */
uint64_t flame_hash(const void *bytes, size_t n);

#endif
