/*
 * history - live bytes over the time of a capture in at most HISTORY_BINS bins,
 * found in one pass over the events: memory does not grow with the capture.
 */
#ifndef FLAME_HISTORY_H
#define FLAME_HISTORY_H

#include "replay/capture.h"
#include "ui/ui.h"

#define HISTORY_BINS 1000u
#define HISTORY_MARKS 64u

struct history {
	uint64_t heap[HISTORY_BINS]; /* the most that was live within the bin */
	uint64_t rss[HISTORY_BINS];
	struct history_mark {
		uint64_t time_ns;
		char label[80];
	} marks[HISTORY_MARKS]; /* the first ones */
	uint32_t bins, mark_count;
	bool has_rss;
	uint64_t duration_ns;
};

/* process: index, UINT32_MAX: all, added up. 0 or an error of the capture. */
int history_collect(struct history *h, struct capture *c, uint32_t process,
		    struct ui_progress *progress);

#endif
