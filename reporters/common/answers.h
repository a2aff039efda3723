/*
 * answers - what people ask about a recording, all of it: what was allocated, what was not freed, what was live at the peak, and what was temporary.
 * Two passes over the events find it, or four with a point.
 */
#ifndef REPORTERS_ANSWERS_H
#define REPORTERS_ANSWERS_H

#include "common/report.h"

enum answer {
	ANSWER_ALLOCATED, /* all that was ever allocated */
	ANSWER_LIVE, /* not freed at the point, or when its process ended */
	ANSWER_PEAK,
	ANSWER_TEMPORARY,
	ANSWERS
};

struct answers {
	struct view_options asked[ANSWERS];
	struct view of[ANSWERS];
};

/*
 * For r's point, if it has one. `common`: whose rows, and what else of them; not which question. The rows are narrowed to r's threads and filters.
 * An exit code; it has said why. answers_finish must follow in any case.
 */
int answers_find(struct answers *a, struct report *r, const struct view_options *common);
void answers_finish(struct answers *a);

#endif
