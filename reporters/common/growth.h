/*
 * growth - which places of a program hold more and more memory while it runs. rise.h says what counts as growth,
 * replay/course.h from what it is seen.
 *
 * A place is a location: function, file and line of the most recent frame that is no allocator. Each of its stacks is judged by
 * itself in each process, so that what a place allocates elsewhere does not hide a leak; what is left of the place then is judged
 * together, so that a leak through many stacks is found, too.
 */
#ifndef REPORTERS_GROWTH_H
#define REPORTERS_GROWTH_H

#include "common/report.h"
#include "common/rise.h"

struct growth_options {
	bool exact; /* replay all events, however many there are */
};

struct growth_row {
	uint32_t node; /* the stack that grows most; of an aggregated capture 0: nobody knows it */
	uint32_t process; /* in which it grows most */
	uint32_t processes, stacks; /* how many grow there */
	enum rise_kind kind; /* of that stack */
	double last; /* DOUBLING: position of the last step in the run, 0..1 */
	bool given_back; /* it grew for nine tenths of the run, and was freed in the last */
	double per_second, per_event; /* bytes */
	uint64_t bytes, count; /* live when growth was judged: at the end, or after nine tenths */
	uint64_t freed; /* blocks of these stacks that were freed; if not `exact`: that were seen being freed */
	struct sampling_error error; /* of bytes and count */
};

struct growth {
	struct growth_row *rows; /* the one that grows most first */
	size_t row_count, row_room;
	double per_second, per_event; /* all rows together */
	uint64_t bytes, count;
	struct sampling_error error;
	uint64_t from_ns, to_ns, events; /* what was judged: a part of the run, after whose first tenth growth counts */
	uint32_t live_sets; /* so many were read; 0: all events */
	bool exact; /* all events were read, so `freed` is what it says */
	bool by_process; /* of an aggregated capture: rows are processes, and counts are 0 */
	uint32_t idle; /* stacks that grew, but only in the first half of the time, after which the program hardly worked */
	uint32_t short_processes; /* that were left out: they had less than a twentieth of the time and of the events */
	uint32_t unjudged; /* processes that are too short for the live sets of a large capture */
	const char *mark; /* the mark that was set most often in the run, if often enough for a rate; NULL */
	uint32_t mark_bytes; /* its length */
	uint64_t marks;
};

/* An exit code; it has said why. r: open, with stacks; its process, point and filters count. */
int growth_find(struct growth *ret, struct report *r, const struct growth_options *o);
void growth_finish(struct growth *g); /* NULL-safe, zero-safe */

#endif
