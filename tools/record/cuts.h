/*
 * cuts - stacks that are deeper than the frames that are kept of them: one node for each run of most recent frames.
 *
 * A target cuts its stacks at a place that stays for a while (fits() in libtracker/unwind.c). So it sends up to half
 * as many frames more than are kept, and sends stacks that differ only in those. The node for the kept frames is a
 * child of the first such stack, with a frame that says how many of its frames count. A separate chain for each level
 * of a deep recursion would take a thousand nodes per level.
 */
#ifndef RECORD_CUTS_H
#define RECORD_CUTS_H

#include "format/idmap.h"
#include "format/writer.h"
#include "stream.h"

struct cuts { /* zeroes: none */
	uint32_t *of; /* by the node of a whole stack: the node of its cut; 0: not known */
	uint32_t of_room;
	struct idmap by_hash; /* by what is kept: places in `all`, from 1 */
	struct cut {
		uint32_t node, whole;
	} * all;
	uint32_t room, count;
	uint32_t frame; /* says how many are kept */
	uint64_t shift; /* BASE to the power of `keep` */
};

void cuts_finish(struct cuts *c);

/*
 * s->node is the node of the whole stack, which has more than `keep` frames, or the mark of a cut before them.
 * Replaces it by the node of the stack's `keep` most recent frames. `keep` is always the same. TRK_ERR_NOMEM.
 */
int cuts_get(struct cuts *c, struct writer *w, struct stream *s, uint32_t keep);

#endif
