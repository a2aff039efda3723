/*
 * depths - see depths.h. A node is one frame deeper than its parent, unless it has a depth of its own. Parents stand
 * before their children.
 */
#include "common/depths.h"

#include <stdlib.h>

/* The frame that stands for older ones does not count. */
static bool is_frame(const struct capture *c, uint32_t id)
{
	const struct cap_frame *const frame = &c->frames[id];

	return id && (frame->module || (frame->offset && frame->offset < TRK_FRAME_CUT));
}

uint32_t *depths_new(const struct capture *c)
{
	uint32_t *const depths = calloc((size_t)c->node_count + 1, sizeof(*depths));

	for (uint32_t i = 1; depths && i < c->node_count; i++) {
		const uint32_t parent = c->nodes[i].parent;

		if (capture_depth(c, i))
			depths[i] = (uint32_t)capture_depth(c, i);
		else if (is_frame(c, c->nodes[i].frame) && (!parent || depths[parent]))
			depths[i] = depths[parent] + 1;
	}
	return depths;
}
