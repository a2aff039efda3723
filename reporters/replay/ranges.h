/*
 * ranges - the mapped address ranges of processes: disjoint pieces in order, found and cut by address. (Documents
 * call them fragments.)
 *
 * A mapping begins as one piece; unmapping takes bytes away and may leave several. The pieces of all processes share
 * one pool. A process is the root of a tree in it (a treap), 0 when it has none.
 */
#ifndef REPLAY_RANGES_H
#define REPLAY_RANGES_H

#include "replay/heap.h"

struct range {
	struct heap_block block; /* address, size: of this piece, in requested bytes */
	uint64_t end; /* first byte after its last page */
	uint64_t asked; /* requested bytes of the whole mapping when it was made */
	uint32_t mapping; /* pieces of one mapping share it */
	uint32_t left, right, priority;
};

struct ranges {
	struct range *pieces; /* [0] is none */
	uint32_t count, room, free_piece;
	uint32_t *mappings; /* number of pieces each has; a free one: the next free one */
	uint32_t mapping_count, mapping_room, free_mapping;
	uint32_t random;
};

void ranges_finish(struct ranges *r); /* zero-safe */

/*
 * `bytes` of a piece went away; piece: as it was before. whole: nothing of its
 * mapping is left.
 */
typedef void (*ranges_cut_fn)(void *data, const struct heap_block *piece, uint64_t bytes,
			      bool whole);

/* Adds a mapping that ends (in pages) at `end` and meets no other. NULL: no memory. */
struct heap_block *ranges_add(struct ranges *r, uint32_t *root, const struct heap_block *b,
			      uint64_t end);

/*
 * Adds a piece as it once stood; `before`: a piece of the same mapping (as this function returned
 * it), 0: none. It must meet no other piece. 0: no memory.
 */
uint32_t ranges_restore(struct ranges *r, uint32_t *root, const struct heap_block *b, uint64_t end,
			uint64_t asked, uint32_t before);

/* Takes [start, end) away from all pieces. TRK_ERR_NOMEM (what was cut so far was told). */
int ranges_cut(struct ranges *r, uint32_t *root, uint64_t start, uint64_t end, ranges_cut_fn f,
	       void *data);

/*
 * Finds the first piece that overlaps [start, end), and cuts off what is outside, which becomes a piece of its own.
 * *ret is NULL when there is none. Valid until the next change. TRK_ERR_NOMEM.
 */
int ranges_isolate(struct ranges *r, uint32_t *root, uint64_t start, uint64_t end, struct range **ret);

/* Joins a piece with the one that ends where it begins, if they are of one mapping and alike. */
void ranges_join(struct ranges *r, uint32_t *root, uint64_t address);

/* The first piece that ends after `address`, or NULL. */
const struct range *ranges_after(const struct ranges *r, uint32_t root, uint64_t address);

/* Whether some piece overlaps [start, end). */
bool ranges_meet(const struct ranges *r, uint32_t root, uint64_t start, uint64_t end);

/* Calls f for every piece, in order of addresses; stops when it returns non-zero. f may use the block as a struct range. */
int ranges_each(const struct ranges *r, uint32_t root,
		int (*f)(void *data, const struct heap_block *b), void *data);

#endif
