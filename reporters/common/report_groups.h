/* report_groups - what table and diff have in common: the blocks of a report as a source of groups, and the options that choose these. */
#ifndef REPORTERS_REPORT_GROUPS_H
#define REPORTERS_REPORT_GROUPS_H

#include "common/group.h"
#include "common/report.h"

static inline struct group_source report_groups(const struct report *r, bool cumulative)
{
	return (struct group_source){ r->capture, r->stacks, &r->view, &r->filters, cumulative };
}

/* by: a const char *; cumulative: a bool. */
#define REPORT_GROUP_OPTIONS(by, cumulative)                                                        \
	UI_OPTION('g', "group-by", UI_STRING, &(by), "KEY",                                         \
		  "filename, lineno (default), traceback, function, module, thread or size", 0, 0), \
		UI_OPTION('c', "cumulative", UI_FLAG, &(cumulative), NULL, "count a block for every frame of its stack", 0, 0)

#endif
