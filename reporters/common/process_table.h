/* process_table - the processes of a capture, with all that is known of each: "processes" of info. */
#ifndef REPORTERS_PROCESS_TABLE_H
#define REPORTERS_PROCESS_TABLE_H

#include "common/report.h"

/* Of those that the report is about; people see the first `most`, and the names of the others. TRK_ERR_NOMEM. */
int process_table_describe(const struct report *r, struct emit *e, size_t most);

#endif
