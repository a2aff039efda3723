/*
 * peaks - the greatest memory that each function, module or thread ever held, and when: tracker summary --peaks. A function, or a module, holds what it and
 * all that it calls allocated. The moments differ, so peaks do not add up.
 */
#ifndef REPORTERS_SUMMARY_PEAKS_H
#define REPORTERS_SUMMARY_PEAKS_H

#include "common/group.h"
#include "common/report.h"

/* What one of them holds, with what it calls or by itself, and when that was most. */
struct peaks_value {
	uint64_t bytes, count;
	uint64_t most_bytes, most_count, most_ns;
	uint64_t allocated;
	struct sampling_error error, most_error;
};

struct peaks_key {
	uint32_t number; /* of its grouping */
	struct peaks_value all, own;
};

struct peaks {
	struct grouping *groups;
	struct peaks_key *keys; /* when found: the one that held most first */
	size_t count;
};

/* Reads all events. by: GROUP_LOCATION, GROUP_MODULE or GROUP_THREAD. An exit code, after a message; or TRK_ERR_NOMEM. */
int peaks_find(struct peaks *p, struct report *r, enum group_by by, bool hide_runtime);
void peaks_finish(struct peaks *p); /* zero-safe */

#endif
