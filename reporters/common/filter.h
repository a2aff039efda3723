/*
 * filter - which stacks a report counts: tracemalloc's Filter and DomainFilter.
 *
 *   +PATTERN[:LINE][,all_frames][,domain=N]   keep only what matches (any of them)
 *   -PATTERN...                               drop what matches
 *   +domain=N, -domain=N                      by domain alone
 *
 * N is the number of a domain, or a name that programs gave it, which means something only in a capture.
 * A pattern is a shell pattern for the whole file name; * also matches /, and a
 * backslash is an ordinary character. It is compared with the most recent frame
 * below the allocator's own, with all_frames with every one.
 */
#ifndef FILTER_H
#define FILTER_H

#include "symbols/stack.h"
#include "ui/ui.h"

struct filter {
	char *pattern; /* NULL: a filter by domain alone */
	int64_t line; /* -1: any */
	int64_t domain; /* -1: any */
	bool inclusive, all_frames;
	char *domain_name; /* NULL: it is told by its number, or any */
};

struct filters { /* zeroes: none, everything passes */
	struct filter *items;
	size_t count, room;
	bool any_inclusive;
	const struct capture *named; /* whose domains have these names */
};

/* The options that every report with filters has, and what they collect. */
struct filter_options {
	struct ui_list filters, includes, excludes, domains;
};

#define FILTER_OPTIONS(o)                                                                                          \
	UI_OPTION(0, "filter", UI_LIST, &(o).filters, "FILTER",                                                    \
		  "count only the blocks that pass: (+|-)PATTERN[:LINE][,all_frames][,domain=N]", 0, 0),           \
		UI_OPTION(0, "include", UI_LIST, &(o).includes, "PATTERN", "the same as --filter +PATTERN", 0, 0), \
		UI_OPTION(0, "exclude", UI_LIST, &(o).excludes, "PATTERN", "the same as --filter -PATTERN", 0, 0), \
		UI_OPTION(0, "domain", UI_LIST, &(o).domains, "N", "the same as --filter +domain=N; N: number or name", 0, 0)

/* Names of domains are those of this capture from now on. The name of none of its domains, if there is one; NULL: all are there. */
const char *filters_settle(struct filters *f, const struct capture *c);

/* Appends a copy of `new`, which has no name of a domain, and of its pattern. False: no memory. */
bool filters_append(struct filters *f, const struct filter *new);
/* Appends one filter. False: `text` is no filter, or there is no memory (errno ENOMEM). */
bool filters_add(struct filters *f, const char *text);
/* Appends all filters of `o`; a wrong one is a usage error and exits. */
void filters_from_options(struct filters *f, const struct filter_options *o);
/* Appends a list of filters given with `option`; a wrong one is a usage error and exits. */
void filters_from_list(struct filters *f, const char *option, const struct ui_list *list);
void filters_finish(struct filters *f); /* NULL-safe, zero-safe */

/* frames: most recent first, the allocator's own already left out; count > 0. */
bool filters_pass(const struct filters *f, const struct source_frame *frames, size_t count,
		  uint32_t process, uint32_t domain);

#endif
