/*
 * selection - which blocks a report is about: those live at a point (the peak when
 * none is named), leaked ones, temporary ones, or all that were ever allocated.
 */
#ifndef SELECTION_H
#define SELECTION_H

#include "common/report.h"

struct selection_options {
	bool leaks, temporary, allocations;
	uint64_t threshold; /* UINT64_MAX: not given */
};

#define SELECTION_INIT                  \
	{                               \
		.threshold = UINT64_MAX \
	}

#define SELECTION_OPTIONS(o)                                                                   \
	UI_OPTION(0, "leaks", UI_FLAG, &(o).leaks, NULL,                                       \
		  "show blocks that were not freed, instead of those at the peak", 0, 0),      \
		UI_OPTION(0, "temporary-allocations", UI_FLAG, &(o).temporary, NULL,           \
			  "show blocks freed within one other allocation (in an "              \
			  "aggregated capture: within the number with which it was recorded)", \
			  0, 0),                                                               \
		UI_OPTION(0, "temporary-allocation-threshold", UI_UINT, &(o).threshold, "N",   \
			  "show blocks freed within N other allocations", 0, UINT32_MAX - 1),  \
		UI_OPTION(0, "allocations", UI_FLAG, &(o).allocations, NULL, "show everything that was ever allocated", 0, 0)

/* What counts as temporary if no threshold is given: an aggregated capture has the threshold of its sums. */
uint64_t selection_threshold(const struct report *r);

/* After ui_parse: options that exclude each other are a usage error and exit. */
void selection_check(const struct selection_options *o);

/*
 * Fills what, at, spanned, threshold and process of `v`; its other fields are left alone. Leaks of another point than the
 * end are those of what was allocated before it.
 */
void selection_apply(const struct selection_options *o, const struct report *r, struct view_options *v);

/* Whether the point is the end of the capture, or no point was given. */
bool selection_is_whole(const struct report *r);

/* "peak", "end", "mark one", "mark one..end", "1.5s" ... Returns buf. */
char *selection_point(const struct point_range *at, char *buf, size_t room);

/* The same of a whole question: "peak", "leaks", "temporary allocations" ... Returns buf. */
char *selection_name(const struct view_options *v, char *buf, size_t room);

/* "point": name and time, in the top object of a report. */
void selection_figures(struct emit *e, const char *key, const struct view_options *o, const struct view *v);

#endif
