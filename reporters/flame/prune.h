/*
 * prune - a sealed tree -> at most `budget` of its nodes, the heaviest by bytes
 * or by count in any view, and per kept node at most one "(other)" that stands for the
 * rest. Bounds the size of a page whatever the capture holds; no byte is lost.
 */
#ifndef FLAME_PRUNE_H
#define FLAME_PRUNE_H

#include "flame/flame_tree.h"

struct flame_flat {
	uint32_t *parent, *frame; /* node 0 is the root; breadth first, siblings heaviest first */
	struct flame_row *rows; /* by node, then group, then view; each three once */
	size_t node_count, row_count;
	size_t merged_nodes;
	uint64_t merged_bytes[FLAME_VIEWS];
};

int flame_prune(const struct flame_tree *t, size_t budget, struct flame_flat *ret);
void flame_flat_finish(struct flame_flat *f); /* zero-safe */

#endif
