/*
 * domains - the rows of a view by their domains. Domain 0 is the heap, others are what programs track by themselves.
 * The totals of a report cover all of them; if there are several, it prints a line for each.
 */
#ifndef REPORTERS_DOMAINS_H
#define REPORTERS_DOMAINS_H

#include "common/filter.h"
#include "replay/view.h"
#include "symbols/stack.h"
#include "ui/emit.h"

struct domain_sum {
	uint32_t domain;
	uint64_t count, bytes;
};

struct domains { /* zeroes: none */
	struct domain_sum *all; /* ascending */
	size_t count;
	const struct capture *capture; /* whose names they have, ... */
	uint32_t process; /* ... in this process, or UINT32_MAX */
};

/* ret has the capture and the process. Sums the rows for which `counts` returns true; NULL: all. TRK_ERR_NOMEM. */
int domains_sum(struct domains *ret, const struct view *v, bool (*counts)(void *data, const struct view_row *r), void *data);
/* Sums the rows that pass the filters, by the frames without the allocator's own at the top. */
int domains_filtered(struct domains *ret, const struct view *v, struct stacks *s, const struct filters *f);
void domains_finish(struct domains *d);

/* The table "domains", also for a single domain. */
void domains_figures(const struct domains *d, struct emit *e);
/* A line for each, if there are several. before: stands in front of each; noun: of what `count` is, in the singular. */
void domains_say(const struct domains *d, struct emit *e, const char *before, const char *noun);

#endif
