/*
 * reallocs - the places whose blocks grow again and again by realloc, what that copied, and what a larger first size would have avoided:
 * tracker summary --reallocs.
 *
 * A block that grows is the same block before and after: a chain. Had its first size been R, all steps to sizes up to R would not have
 * been necessary, and a block that never becomes so large would have held R less its largest size in vain. Advice is the
 * smallest R that avoids nine of ten steps of a place. Sizes lie in buckets, whose borders are sizes that occur, so all figures are exact.
 */
#ifndef REPORTERS_SUMMARY_REALLOCS_H
#define REPORTERS_SUMMARY_REALLOCS_H

#include "common/report.h"
#include "common/short_paths.h"

struct reallocs_step { /* steps, and figures of them, or of those that advice avoids */
	uint64_t count, moved, copied;
};

struct reallocs_row {
	char *location;
	uint32_t node; /* of the stack that copied most */
	struct reallocs_step all, avoided;
	uint64_t blocks; /* that grew, and whose last growth was here */
	uint64_t first_size, wasted; /* the advice; what all these blocks together would hold in vain */
};

struct reallocs {
	struct reallocs_row *rows; /* the place that copied most first */
	size_t count;
	struct reallocs_step total;
};

/* Reads all events. An exit code, after a message; or TRK_ERR_NOMEM. */
int reallocs_find(struct reallocs *f, struct report *r);
/* The figures, and "reallocs": at most so many rows. paths: how people read files; filled in here. TRK_ERR_NOMEM. */
int reallocs_describe(const struct reallocs *f, const struct report *r, struct emit *e, size_t most, struct short_paths *paths);
void reallocs_finish(struct reallocs *f); /* zero-safe */

#endif
