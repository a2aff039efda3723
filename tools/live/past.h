/*
 * past - what a view remembers of earlier pictures: the heap over time, and what each row held within the last minute.
 *
 * Memory is bounded: the course has a fixed number of points, which become rarer, and rows are kept of one picture in five seconds.
 */
#ifndef PAST_H
#define PAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAST_POINTS 2048u
#define PAST_STEP_NS 5000000000ull
#define PAST_MINUTE_NS 60000000000ull
#define PAST_SETS (PAST_MINUTE_NS / PAST_STEP_NS + 2)

struct past_point {
	uint64_t time_ns, heap, rss;
};

/* What the rows of one picture owned, by id, ascending. */
struct past_set {
	uint64_t time_ns;
	struct past_entry {
		uint64_t id, bytes;
	} * list;
	size_t count;
};

struct past { /* zeroes: none */
	struct past_point points[PAST_POINTS];
	size_t point_count;
	uint64_t apart_ns; /* a point is kept when it is so much later than the last one */
	struct past_set last; /* of the picture before the present one */
	struct past_set present;
	struct past_set sets[PAST_SETS]; /* the oldest first */
	size_t set_count;
};

void past_finish(struct past *p);

/* A picture has come, with that heap and resident memory. */
void past_add_point(struct past *p, const struct past_point *point);

/*
 * ... and with those rows: `count` ids and bytes, in any order. Takes over the list. Called with a new picture only: not when the
 * same one is asked again.
 */
void past_add_rows(struct past *p, uint64_t time_ns, struct past_entry *list, size_t count);
/* Rows mean something else from now on. */
void past_forget_rows(struct past *p);

/*
 * How much the row has grown since the picture before, or since that of a minute ago (or of the first one, if that is not so long ago). False:
 * there is none.
 */
bool past_since_last(const struct past *p, uint64_t id, uint64_t bytes, int64_t *ret);
bool past_since_minute(const struct past *p, uint64_t id, uint64_t bytes, int64_t *ret);

#endif
