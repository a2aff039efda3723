/* shown_rows - which rows of a picture a view shows, and in which order. */
#ifndef SHOWN_ROWS_H
#define SHOWN_ROWS_H

#include "past.h"
#include "picture.h"

enum shown_order {
	SHOWN_BY_OWN,
	SHOWN_BY_TOTAL,
	SHOWN_BY_BLOCKS,
	SHOWN_BY_CHANGE,
	SHOWN_BY_MINUTE,
	SHOWN_ORDERS,
};

struct shown_row {
	const struct picture_row *row;
	bool has_change, has_minute;
	int64_t change, minute; /* since the last picture, and within a minute */
};

struct shown_rows {
	enum shown_order order;
	bool growing; /* only those that hold more than a minute ago */
	char filter[128]; /* only those whose keys contain it, in any case; "": all */
	struct shown_row *list;
	size_t count, room;
};

/* Chooses them anew. False: there is no memory, and there are none. */
bool shown_rows_choose(struct shown_rows *s, const struct picture *p, const struct past *past);
void shown_rows_finish(struct shown_rows *s);
/* The place of the row with that id; `otherwise`, if it is not shown. */
size_t shown_rows_find(const struct shown_rows *s, uint64_t id, size_t otherwise);

#endif
