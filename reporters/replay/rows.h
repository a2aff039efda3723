/*
 * rows - sums per (node, thread, kind ...) that also keep their values at one earlier moment, chosen while events
 * pass.
 *
 * `rows_keep` makes the present that moment. It copies nothing, but increments a counter; a row saves its old sums
 * when it is first touched afterwards. So a new peak at every second event costs one comparison per change, and no
 * copy of all rows.
 */
#ifndef REPLAY_ROWS_H
#define REPLAY_ROWS_H

#include "format/idmap.h"
#include "replay/view.h"

struct row {
	struct view_row key; /* bytes and count unused */
	uint64_t bytes, count; /* now */
	uint64_t kept_bytes, kept_count; /* at the kept moment, if `era` is the current one */
	uint64_t left_bytes, left_count; /* live when the process ended */
	uint64_t era;
	uint32_t next; /* of the same process, + 1 */
};

/* How exact a row's sums are: as in struct row. */
struct row_error {
	struct sampling_error now, kept, left;
};

struct rows {
	struct row *all;
	bool sampled; /* set it before the first row: errors are kept, too */
	struct row_error *errors; /* beside `all`; NULL when not sampled */
	uint32_t count, room;
	struct idmap by_key; /* places in `all`, from 1 */
	uint64_t era;
};

#define ROWS_NONE UINT32_MAX

void rows_finish(struct rows *r); /* zero-safe */

/* Index of the row with that key; ROWS_NONE: no memory. *ret_new: it was made. */
uint32_t rows_find(struct rows *r, const struct view_row *key, bool *ret_new);

static inline void rows_keep(struct rows *r)
{
	r->era++;
}

/* Called before every change of a row. */
static inline struct row *rows_touch(struct rows *r, uint32_t index)
{
	struct row *row = &r->all[index];

	if (row->era != r->era) {
		row->kept_bytes = row->bytes;
		row->kept_count = row->count;
		if (r->errors)
			r->errors[index].kept = r->errors[index].now;
		row->era = r->era;
	}
	return row;
}

/* At the kept moment. */
static inline uint64_t row_kept_bytes(const struct rows *r, const struct row *row)
{
	return row->era == r->era ? row->kept_bytes : row->bytes;
}

static inline uint64_t row_kept_count(const struct rows *r, const struct row *row)
{
	return row->era == r->era ? row->kept_count : row->count;
}

/* Only of sampled rows. */
static inline const struct sampling_error *row_kept_error(const struct rows *r, uint32_t index)
{
	return r->all[index].era == r->era ? &r->errors[index].kept : &r->errors[index].now;
}

#endif
