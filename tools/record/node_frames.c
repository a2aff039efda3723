/* node_frames - see node_frames.h. */
#include "node_frames.h"

/* Marks stand as the most recent frames of a node (format/trk.h): what they say, and the node behind them. */
static uint32_t skip_marks(const struct writer *w, uint32_t node, uint32_t *ret_keep, uint32_t *ret_depth)
{
	*ret_keep = UINT32_MAX;
	*ret_depth = 0;
	while (node) {
		uint32_t module;
		uint64_t offset;
		const uint32_t caller = stack_next(w, node, &module, &offset);

		if (module || offset < TRK_FRAME_CUT)
			break;
		if (offset >= TRK_FRAME_DEPTH)
			*ret_depth = (uint32_t)(offset - TRK_FRAME_DEPTH);
		else
			*ret_keep = (uint32_t)(offset - TRK_FRAME_CUT);
		node = caller;
	}
	return node;
}

/* If it is not known where a stack was cut, its oldest frame is a frame at address 0 in no module. It is told as unknown. */
struct stack stack_look(const struct writer *w, uint32_t node, uint32_t nframe)
{
	uint32_t keep, depth, frames = 0;
	const uint32_t first = skip_marks(w, node, &keep, &depth);

	for (uint32_t at = first; at; frames++) {
		uint32_t module;
		uint64_t offset;

		at = stack_next(w, at, &module, &offset);
	}
	if (keep > frames)
		keep = frames;
	return (struct stack){ .node = first, .kept = keep < nframe ? keep : nframe, .total = depth > frames ? depth : frames };
}
