/*
 * domains - the rows of a view by their domains: 0 is the heap, others are what programs track by themselves. A
 * report's totals are of all of them; one that has several prints a line for each.
 */
#ifndef REPORTERS_DOMAINS_H
#define REPORTERS_DOMAINS_H

#include <stdio.h>

#include "filter.h"
#include "replay/view.h"
#include "symbols/stack.h"
#include "ui/ui.h"

struct domain_sum {
	uint32_t domain;
	uint64_t count, bytes;
};

struct domains { /* zeroes: none */
	struct domain_sum *all; /* ascending */
	size_t count;
};

/* The rows for which `counts` says so; NULL: all. TRK_ERR_NOMEM. */
int domains_sum(struct domains *ret, const struct view *v, bool (*counts)(void *data, const struct view_row *r), void *data);
/* Those that pass the filters, by the frames without the allocator's own at the top. */
int domains_filtered(struct domains *ret, const struct view *v, struct stacks *s, const struct filters *f);
void domains_finish(struct domains *d);

/* A line for each, if there are several. before: stands in front of each; noun: of what `count` is, in the singular. */
void domains_print(const struct domains *d, FILE *f, const char *before, const char *noun);
/* "domains": the array, of one, too. */
void domains_json(const struct domains *d, struct ui_json *j);

#endif
