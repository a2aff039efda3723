/*
 * cuts - stacks that are deeper than what is kept of them: one node for one run of most recent frames.
 *
 * Where a target cuts its stacks stays for a while (fits() in libtracker/unwind.c), so it sends up to half as many
 * frames more than are kept, and stacks that differ only in those. The node of what is kept is a child
 * of the first such stack that was met, with a frame that says how much of it counts: a
 * chain of its own for each level of a deep recursion would be a thousand nodes a level.
 */
#ifndef RECORD_CUTS_H
#define RECORD_CUTS_H

#include "format/idmap.h"
#include "format/writer.h"
#include "stream.h"

struct cuts { /* zeroes: none */
	uint32_t *of; /* by the node of a whole stack: that of its cut; 0: not known */
	uint32_t of_room;
	struct idmap by_hash; /* of what is kept: places in `all`, from 1 */
	struct cut {
		uint32_t node, whole;
	} * all;
	uint32_t room, count;
	uint32_t frame; /* says how many are kept */
	uint64_t shift; /* BASE to the power of that */
};

void cuts_finish(struct cuts *c);

/*
 * Makes s->node, that of the whole stack, which has more than `keep` frames or the mark of a cut before them, the
 * node of its `keep` most recent ones. `keep` is always the same. TRK_ERR_NOMEM.
 */
int cuts_get(struct cuts *c, struct writer *w, struct stream *s, uint32_t keep);

#endif
