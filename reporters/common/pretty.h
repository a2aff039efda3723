/* pretty - table --pretty: tracemalloc's "pretty top", with short names, the rest and the total. */
#ifndef REPORTERS_PRETTY_H
#define REPORTERS_PRETTY_H

#include "common/group.h"
#include "ui/emit.h"

/* How people read a row; by: what it is grouped by. */
const char *pretty_sentence(enum group_by by);
/* "Top 10 lines": the number that was asked for. */
void pretty_title(struct emit *e, enum group_by by, uint64_t limit);
/* What the groups behind the first `shown` have, and what all of them have. */
void pretty_rest(struct emit *e, const struct grouping *g, size_t shown);

#endif
