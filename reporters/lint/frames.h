/*
 * frames - which frames of a capture tell something about the call that they are in: the kernel's way back from a signal handler, and
 * operators new and delete that the program defines itself.
 */
#ifndef REPORTERS_LINT_FRAMES_H
#define REPORTERS_LINT_FRAMES_H

#include "common/report.h"

struct lint_frames {
	const struct capture *capture;
	uint8_t *of_frame; /* enum in frames.c */
	bool *in_handler; /* by node: a signal handler is among its frames */
};

/* r has stacks. TRK_ERR_NOMEM. */
int lint_frames_init(struct lint_frames *f, struct report *r);
void lint_frames_finish(struct lint_frames *f); /* zero-safe */

static inline bool lint_frames_handler(const struct lint_frames *f, uint32_t node)
{
	return f->in_handler[node];
}

/* Whether the call at the top of the stack was made by such an operator, itself or through functions of its own. */
bool lint_frames_operator(const struct lint_frames *f, uint32_t node);

#endif
