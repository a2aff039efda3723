/*
 * leaked - what was never freed, by stack, without what suppressions name.
 */
#ifndef REPORTERS_LEAKED_H
#define REPORTERS_LEAKED_H

#include "common/alike.h"
#include "common/endings.h"
#include "common/report.h"
#include "common/suppress.h"

struct leaks {
	struct suppressions suppressions;
	struct alike_stack *rows; /* what is left, by stack as it is printed, the biggest first */
	size_t row_count;
	uint64_t bytes, count, suppressed_bytes, suppressed_count;
	struct sampling_error error; /* of bytes and count */
	bool judged; /* a look says verdicts: suppressions for some of them are counted elsewhere */
	struct endings endings; /* the same, by how the processes ended */
};

/* Fills all but the suppressions and `judged`, which must be there, from the rows of r's view that pass its filters; and unnamed and domains of r, of what is left. TRK_ERR_NOMEM. */
int leaked_find(struct leaks *l, struct report *r);
/* Only rows, sums and suppressed sums, of a view of r's capture: VIEW_LEAKS. TRK_ERR_NOMEM. */
int leaked_rows(struct leaks *l, const struct report *r, const struct view *v);
void leaked_finish(struct leaks *l);

#endif
