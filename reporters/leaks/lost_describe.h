/* lost_describe - how tracker leaks shows the verdicts of a look. */
#ifndef REPORTERS_LOST_DESCRIBE_H
#define REPORTERS_LOST_DESCRIBE_H

#include "lost.h"

#include "common/endings.h"
#include "common/traceback.h"

struct lost_shown {
	size_t rows[LOOK_VERDICTS]; /* of each section */
	uint32_t frames; /* of a stack */
	enum traceback_sources sources;
	const struct short_paths *paths;
};

/* How many rows of each section are shown if `most` are shown in all; the most serious ones first. */
void lost_share_rows(const struct lost *l, size_t most, size_t ret[LOOK_VERDICTS]);

void lost_say_totals(const struct lost *l, struct emit *e);
void lost_describe_rows(const struct lost *l, const struct report *r, struct emit *e, const struct lost_shown *s);
/* The look was not taken in the usual way. */
void lost_say_way(const struct lost *l, struct emit *e);
/* The look was taken before the end: what was allocated since is not judged. */
void lost_say_early(const struct lost *l, struct emit *e);
/* Why there is no verdict; if nobody asked for a look, and some of these blocks leaked, how to get one. */
void lost_say_refusal(const struct lost *l, const struct report *r, const struct endings *s, struct emit *e);

#endif
