/* view_private - the state of one question that is being answered: view.c asks it, view_observe.c sums, view_answer.c reads the sums. */
#ifndef REPLAY_VIEW_PRIVATE_H
#define REPLAY_VIEW_PRIVATE_H

#include "replay/process_ends.h"
#include "replay/live.h"
#include "replay/rows.h"
#include "replay/sizes.h"
#include "replay/span.h"
#include "replay/stop.h"
#include "replay/view.h"

/* The types that programs give their blocks. */
struct view_types {
	char **names;
	uint32_t count, room;
	struct idmap by_name; /* places in `names`, from 1 */
	struct view_births {
		uint64_t newest, kept; /* numbers (heap_block.number): the latest, and the one at the kept moment if `era` is that of rows */
		uint64_t era;
	} * births; /* by process */
};

struct tally {
	struct capture *capture;
	const struct view_options *options;
	struct heap *heap;
	struct rows rows;
	struct rows temporary; /* with options.temporary */
	uint32_t *rows_of_process; /* first row + 1, chained by row.next */
	uint32_t *last_row; /* by node: the row + 1 that it went to last */
	struct sizes *sizes;
	struct process_ends ends;
	struct stop from, to;
	bool has_from, has_to; /* still to be met */
	bool follow_peak; /* the kept moment is the peak */
	bool in_range; /* between `from` and `to` */
	bool counting; /* blocks born now belong to the view */
	bool has_span; /* the question is about a part: its totals are those of the span */
	bool stopped; /* the other events are not needed */
	bool quick; /* only the events that the answer takes */
	uint32_t keyframe; /* the keyframe to begin with; SEEK_NONE: at the beginning */
	uint64_t peak_time_ns; /* of a peak that was known before the pass */
	struct span span;
	struct live_list live; /* with options.blocks */
	struct view_types types; /* with options.typed */
	bool no_memory;
	uint64_t applied;
	char marks[160]; /* labels seen, for the message */
};

/* view_types.c. Called when the tally is made; for each block that is born; after an event TRK_ANNOTATE; at the end. */
int view_types_init(struct tally *t); /* TRK_ERR_NOMEM */
void view_types_born(struct tally *t, const struct heap_block *b);
void view_types_annotate(struct tally *t, const struct trk_event *e);
void view_types_finish(struct view_types *t); /* zero-safe */
/* The part that sums what the question is about. */
struct heap_observer view_observer(struct tally *t);
/* Fills the view, and those that its options ask for beside it, from what the pass has summed. TRK_ERR_NOMEM. */
int view_answer(struct tally *t, struct view *v);

#endif
