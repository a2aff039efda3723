/*
 * process_list - the processes of a capture, each with its totals: "processes" of stats.
 */
#ifndef REPORTERS_PROCESS_LIST_H
#define REPORTERS_PROCESS_LIST_H

#include "common/report.h"

/*
 * Of those that the report is about; people see them when there are several: the `most` with the largest peaks, and the names of the
 * others. TRK_ERR_NOMEM.
 */
int process_list_describe(const struct report *r, struct emit *e, size_t most);

#endif
