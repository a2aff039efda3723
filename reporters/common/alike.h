/*
 * alike - stacks that look alike when they are printed. Two stacks of a capture may differ in what no reader sees: where in a
 * line the call stands, or which frames of an allocator are hidden above. A report shows them as one, with the sums of both.
 *
 * The same goes for stacks of which only the most recent frames are printed: those whose printed frames are alike are one.
 */
#ifndef REPORTERS_ALIKE_H
#define REPORTERS_ALIKE_H

#include "common/stack_tree.h"
#include "replay/sampling.h"
#include "symbols/stack.h"

struct alike_stack {
	uint32_t node; /* of those that look like this: the one with most bytes, */
	uint64_t node_bytes; /* ... and these */
	uint64_t bytes, count;
	uint64_t held_bytes, held_count; /* of blocks to which only these lead: tracker leaks */
	struct sampling_error error;
	uint8_t kind; /* enum trk_kind, of some of its allocations */
	uint32_t stacks; /* so many that differ when they are printed whole */
	uint32_t frames, least_frames; /* of the deepest and of the shallowest of them, without the allocator's own */
	bool cut; /* ... older ones are not in the capture */
	bool has_source; /* the most recent frame's line is known */
};

/*
 * Makes one of those that look alike, in place; node, bytes, count and error are given, the rest is filled in. The biggest come first.
 * TRK_ERR_NOMEM.
 */
int alike_join(struct stacks *s, struct alike_stack *stacks, size_t *count);

/* Stacks by their most recent frames. */
struct alike_folds {
	struct alike_stack *items; /* the biggest first */
	size_t count;
	/* what they are made of: */
	const struct alike_stack *stacks;
	struct stack_tree tree; /* the most recent frame first */
	struct alike_place {
		uint32_t at, depth; /* in the tree */
		uint32_t stack;
	} * places;
	size_t place_count;
};

#define ALIKE_WHOLE UINT32_MAX

/*
 * Of stacks that alike_join has made, which must outlive the folds. depth: so many frames are printed; ALIKE_WHOLE: all. TRK_ERR_NOMEM.
 */
int alike_fold(struct alike_folds *f, struct stacks *s, const struct alike_stack *stacks, size_t count, uint32_t depth);
/* The same for fewer frames; not after ALIKE_WHOLE. */
void alike_fold_more(struct alike_folds *f, uint32_t depth);
void alike_finish(struct alike_folds *f); /* zero-safe */

#endif
