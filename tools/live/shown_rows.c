/* shown_rows - see shown_rows.h. */
#include "shown_rows.h"

#include <stdlib.h>
#include <string.h>

#include "format/array.h"

void shown_rows_finish(struct shown_rows *s)
{
	free(s->list);
	s->list = NULL;
	s->count = s->room = 0;
}

static int64_t value(const struct shown_row *r, enum shown_order order)
{
	switch (order) {
	case SHOWN_BY_OWN:
		return (int64_t)r->row->own;
	case SHOWN_BY_TOTAL:
		return (int64_t)r->row->total;
	case SHOWN_BY_BLOCKS:
		return (int64_t)r->row->blocks;
	case SHOWN_BY_CHANGE:
		return r->change;
	default:
		return r->minute;
	}
}

/* Among equals, as the picture has them. */
static int compare(const void *left, const void *right, void *order)
{
	const struct shown_row *const a = left, *const b = right;
	const int64_t x = value(a, *(enum shown_order *)order), y = value(b, *(enum shown_order *)order);

	if (x != y)
		return x > y ? -1 : 1;
	return a->row < b->row ? -1 : a->row > b->row;
}

static bool passes(const struct shown_rows *s, const struct shown_row *r)
{
	if (s->growing && !(r->has_minute && r->minute > 0))
		return false;
	if (s->order != SHOWN_BY_TOTAL && !r->row->own && !r->row->blocks && !(r->has_change && r->change))
		return false;
	return !s->filter[0] || strcasestr(r->row->key, s->filter);
}

bool shown_rows_choose(struct shown_rows *s, const struct picture *p, const struct past *past)
{
	s->count = 0;
	if (!ARRAY_ROOM(s->list, s->room, p->row_count + 1, 256))
		return false;
	for (size_t i = 0; i < p->row_count; i++) {
		struct shown_row r = { .row = &p->rows[i] };

		r.has_change = past_since_last(past, r.row->id, r.row->own, &r.change);
		r.has_minute = past_since_minute(past, r.row->id, r.row->own, &r.minute);
		if (passes(s, &r))
			s->list[s->count++] = r;
	}
	qsort_r(s->list, s->count, sizeof(*s->list), compare, &s->order);
	return true;
}

size_t shown_rows_find(const struct shown_rows *s, uint64_t id, size_t otherwise)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->list[i].row->id == id)
			return i;
	return otherwise;
}
