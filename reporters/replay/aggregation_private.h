/* aggregation_private - what aggregation.c, which counts, and aggregation_write.c, which writes, share. */
#ifndef REPLAY_AGGREGATION_PRIVATE_H
#define REPLAY_AGGREGATION_PRIVATE_H

#include "replay/aggregation.h"
#include "replay/rows.h"
#include "replay/sizes.h"
#include "replay/timeline.h"

/* What a row has besides its present sums and those at the tree's peak (struct row). */
struct aggregation_more {
	struct trk_figure total, temporary;
	struct trk_figure own; /* sums at the peak of its process, if `era` is that process's */
	uint64_t era;
};

/* How exact `more` is. */
struct aggregation_more_error {
	struct sampling_error total, temporary, own;
};

struct aggregation_process {
	struct sizes *sizes; /* NULL: none yet, or ended */
	struct view_size *sizes_list; /* of a process that ended */
	size_t sizes_count;
	struct timeline timeline; /* not used while it is the only process: the tree's is the same then */
	uint64_t era; /* incremented at each peak of the process */
	uint64_t events;
	uint32_t first_row; /* + 1, chained by row.next */
	bool seen;
};

struct aggregation {
	struct heap *heap;
	struct rows rows;
	struct aggregation_more *more; /* beside rows.all */
	struct aggregation_more_error *more_errors; /* the same for errors; NULL when not sampled */
	uint32_t more_room;
	uint32_t *last_row; /* by node: the last row that was found for it, + 1 */
	uint32_t node_room;
	struct aggregation_process *processes;
	uint32_t process_room, process_count;
	uint32_t only; /* the process, while there is one */
	struct timeline timeline;
	uint64_t time_ns; /* of the last event */
	uint64_t events;
	uint32_t threshold;
	bool no_memory;
};

#endif
