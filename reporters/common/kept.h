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

/* For another question than --leaks there is nothing. r->stacks must exist. TRK_ERR_NOMEM. */
int kept_find(const struct report *r, const struct view_options *o, const struct view *v, struct kept *ret);
/* One line on stderr if something is kept; `which` comes before it. If there is no memory for it, it says nothing. */
void kept_say(const struct report *r, const char *which, const struct view_options *o, const struct view *v);

#endif
