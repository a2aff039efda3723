/* chart - a course of values as lines of text: one column for each part of the time, filled from below. */
#ifndef CHART_H
#define CHART_H

#include "past.h"

struct chart {
	int width, height;
	uint64_t top; /* the value of the upper edge */
	uint8_t *eighths; /* by column: how high it is, in eighths of a line */
	uint8_t *marks; /* by column: the line of the resident memory, from 1 at the bottom; 0: none, or it is higher than the chart */
};

/* Of the points, over their whole time; it is drawn to `width` columns. False: there is no memory, or nothing to draw. */
bool chart_make(struct chart *c, const struct past_point *points, size_t count, int width, int height);
void chart_finish(struct chart *c); /* zero-safe */

/* The character at that place, line 0 being the highest: of Unicode, or of ASCII. */
const char *chart_cell(const struct chart *c, int line, int column, bool unicode);

#endif
