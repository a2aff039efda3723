/* chart - see chart.h. */
#include "chart.h"

#include <stdlib.h>

#define PARTS 8u
#define HEIGHT_MAX 31 /* in eighths, it fits a byte */

static int column_of(const struct past_point *points, size_t count, size_t i, int width)
{
	const uint64_t first = points[0].time_ns, whole = points[count - 1].time_ns - first;

	if (!whole)
		return width - 1;
	return (int)((double)(points[i].time_ns - first) / (double)whole * (width - 1));
}

/* The resident memory counts if it is no more than twice the heap: otherwise the heap would be a line at the bottom. */
static uint64_t highest(const struct past_point *points, size_t count)
{
	uint64_t heap = 0, rss = 0;

	for (size_t i = 0; i < count; i++) {
		heap = points[i].heap > heap ? points[i].heap : heap;
		rss = points[i].rss > rss ? points[i].rss : rss;
	}
	return rss > heap && rss / 2 <= heap ? rss : heap;
}

/* What is more than nothing is seen. */
static uint8_t level(uint64_t value, uint64_t top, unsigned most)
{
	const unsigned n = (unsigned)((double)value / (double)top * most + 0.5);

	return (uint8_t)(n || !value ? n : 1);
}

/* A column without a point looks like the one before it. */
static void fill(struct chart *c, const struct past_point *points, size_t count)
{
	int done = -1;

	for (size_t i = 0; i < count; i++) {
		const int at = column_of(points, count, i, c->width);
		const uint8_t heap = level(points[i].heap, c->top, PARTS * (unsigned)c->height);
		const uint8_t rss = points[i].rss <= c->top ? level(points[i].rss, c->top, (unsigned)c->height) : 0;

		for (int j = done + 1; j < at && done >= 0; j++) {
			c->eighths[j] = c->eighths[done];
			c->marks[j] = c->marks[done];
		}
		c->eighths[at] = heap > c->eighths[at] || at != done ? heap : c->eighths[at];
		c->marks[at] = rss > c->marks[at] || at != done ? rss : c->marks[at];
		done = at;
	}
}

bool chart_make(struct chart *c, const struct past_point *points, size_t count, int width, int height)
{
	*c = (struct chart){ .width = width, .height = height > HEIGHT_MAX ? HEIGHT_MAX : height };
	if (!count || width < 1 || height < 1)
		return false;
	c->top = highest(points, count);
	c->eighths = calloc((size_t)width, 1);
	c->marks = calloc((size_t)width, 1);
	if (!c->top || !c->eighths || !c->marks) {
		chart_finish(c);
		return false;
	}
	fill(c, points, count);
	return true;
}

void chart_finish(struct chart *c)
{
	free(c->eighths);
	free(c->marks);
	*c = (struct chart){ 0 };
}

const char *chart_cell(const struct chart *c, int line, int column, bool unicode)
{
	static const char *const blocks[PARTS + 1] = { " ", "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588" };
	const int below = (c->height - 1 - line) * (int)PARTS, filled = c->eighths[column] - below;
	const unsigned part = filled <= 0 ? 0 : filled >= (int)PARTS ? PARTS :
								       (unsigned)filled;

	if (!part && c->marks[column] == c->height - line)
		return unicode ? "\u00b7" : ".";
	if (unicode)
		return blocks[part];
	return part >= PARTS / 2 ? "#" : part ? "_" :
						" ";
}
