/* report_groups - what table and diff have in common: the blocks of a report as a source of groups, and the options that choose these. */
#ifndef REPORTERS_REPORT_GROUPS_H
#define REPORTERS_REPORT_GROUPS_H

#include "common/group.h"
#include "common/report.h"

struct group_source report_groups(const struct report *r, bool cumulative);
/* The figures total_size and total_count. */
void report_groups_totals(struct emit *e, const struct report *r, const struct group_value *total);
/* What is compared: one of two reports, as a group of figures of that name. */
void report_groups_side(struct emit *e, const struct report *r, const char *name, const struct group_value *total);

/* by: a const char *; cumulative: a bool. */
#define REPORT_GROUP_OPTIONS(by, cumulative)                                                                                          \
	UI_OPTION('g', "group-by", UI_STRING, &(by), "KEY",                                                                           \
		  "filename, lineno (default), traceback, function, module, thread, size, type, chain", 0, 0, NULL, group_key_names), \
		UI_OPTION('c', "cumulative", UI_FLAG, &(cumulative), NULL, "count a block for every frame of its stack", 0, 0)

#endif
