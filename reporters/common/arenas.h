/*
 * arenas - how many of a report's bytes are arenas in which CPython keeps its small objects: what an arena holds is not in the capture. Only of captures
 * with Python frames. One line under the report, on stderr; "python_arenas" in its JSON.
 */
#ifndef ARENAS_H
#define ARENAS_H

#include "common/filter.h"
#include "replay/view.h"
#include "symbols/stack.h"
#include "ui/emit.h"

#define ARENAS_ROOM 256u

struct arenas { /* zeroes: nothing was looked at */
	bool python; /* the capture has Python frames */
	uint64_t all; /* bytes of the report */
	uint64_t bytes, count; /* of arenas */
};

void arenas_begin(struct arenas *a, const struct capture *c);
void arenas_add(struct arenas *a, struct stacks *s, const struct view_row *row);
/* Does both, for the rows that pass the filters (NULL: all). */
void arenas_find(struct arenas *a, const struct capture *c, struct stacks *s, const struct view *v, const struct filters *filters);

/* "41 % of the bytes are 12 arenas of Python's small objects: ...", "" when it is not worth a line. Returns buf. */
char *arenas_describe(const struct arenas *a, char buf[ARENAS_ROOM]);
/* "python_arenas": { bytes, count }; nothing without Python frames. */
void arenas_figures(struct emit *e, const struct arenas *a);

#endif
