/*
 * kept - how much of what was not freed the C and C++ runtimes keep on purpose. tracker leaks leaves it out. Reports
 * that do not (--leaks) name it, so that the figures agree.
 */
#ifndef REPORTERS_KEPT_H
#define REPORTERS_KEPT_H

#include "common/report.h"

struct kept {
	uint64_t bytes, count;
};

/* Of another question than --leaks: nothing. r->stacks must be there. TRK_ERR_NOMEM. */
int kept_find(const struct report *r, const struct view_options *o, const struct view *v, struct kept *ret);
/* One line on stderr when something is kept. which: stands before it. Without memory for it nothing is said. */
void kept_say(const struct report *r, const char *which, const struct view_options *o, const struct view *v);

#endif
