/* node_frames - the frames of a node of the call tree that the writer keeps, for answers about blocks. */
#ifndef RECORD_NODE_FRAMES_H
#define RECORD_NODE_FRAMES_H

#include "format/writer.h"

struct stack {
	uint32_t node; /* of the most recent frame; 0: there is none */
	uint32_t kept; /* so many frames from there on are to be told, at most as many as were asked for */
	uint32_t total; /* how many frames the stack had when it was recorded, as far as that is known */
};

/* Finds the `nframe` most recent frames of the stack that events have as `node`. */
struct stack stack_look(const struct writer *w, uint32_t node, uint32_t nframe);

/* The frame at `node`, and the node of the frame that called it. */
static inline uint32_t stack_next(const struct writer *w, uint32_t node, uint32_t *ret_module, uint64_t *ret_offset)
{
	uint32_t frame;
	const uint32_t caller = writer_node_get(w, node, &frame);

	writer_frame_get(w, frame, ret_module, ret_offset);
	return caller;
}

#endif
