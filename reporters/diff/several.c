/* several - see several.h. */
#include "diff/several.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "format/array.h"
#include "format/trk.h"

/* ---- counting ---- */

int runs_add(struct runs *runs, struct grouping *g, enum group_side side, const struct group_source *from)
{
	int err;

	g->total[side] = (struct group_value){ 0 };
	for (size_t i = 0; i < g->stat_count; i++)
		g->stats[i].value[side] = (struct group_value){ 0 };
	err = grouping_add(g, side, from);
	if (err)
		return err;
	if (!ARRAY_ROOM(runs->items, runs->room, runs->count + 1, 2))
		return TRK_ERR_NOMEM;

	struct run r = { .side = side, .total = g->total[side], .rows = calloc(g->stat_count + 1, sizeof(*r.rows)), .row_count = g->stat_count };

	if (!r.rows)
		return TRK_ERR_NOMEM;
	for (size_t i = 0; i < g->stat_count; i++)
		r.rows[i] = g->stats[i].value[side];
	runs->items[runs->count++] = r;
	runs->of_side[side]++;
	return 0;
}

void runs_finish(struct runs *runs)
{
	for (size_t i = 0; i < runs->count; i++)
		free(runs->items[i].rows);
	free(runs->items);
	*runs = (struct runs){ 0 };
}

bool runs_are_several(const struct runs *runs)
{
	return runs->count > GROUP_SIDES;
}

/* ---- medians and spreads ---- */

#define TOTAL SIZE_MAX /* in the place of a row */

static struct group_value value_of(const struct run *r, size_t row)
{
	if (row == TOTAL)
		return r->total;
	return row < r->row_count ? r->rows[row] : (struct group_value){ 0 };
}

static int ascending(const void *left, const void *right)
{
	const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return a < b ? -1 : a > b;
}

/* Of a side's values, which are sorted in place. */
static uint64_t median(uint64_t *values, size_t n)
{
	if (!n)
		return 0;
	qsort(values, n, sizeof(*values), ascending);
	return n % 2 ? values[n / 2] : values[n / 2 - 1] + (values[n / 2] - values[n / 2 - 1]) / 2;
}

/* `scratch`: room for twice as many numbers as there are runs. */
static void take_medians(const struct runs *runs, size_t row, uint64_t *scratch, struct group_value values[GROUP_SIDES])
{
	uint64_t *const sizes = scratch, *const counts = scratch + runs->count;

	for (enum group_side side = 0; side < GROUP_SIDES; side++) {
		size_t n = 0;

		for (size_t i = 0; i < runs->count; i++) {
			const struct group_value v = value_of(&runs->items[i], row);

			if (runs->items[i].side != side)
				continue;
			if (!n)
				values[side].error = v.error;
			sizes[n] = v.size;
			counts[n++] = v.count;
		}
		values[side].size = median(sizes, n);
		values[side].count = median(counts, n);
	}
}

static struct spread spread_of(const struct runs *runs, enum group_side side, size_t row, bool of_counts)
{
	struct spread s = { .lowest = UINT64_MAX };

	for (size_t i = 0; i < runs->count; i++) {
		const struct group_value v = value_of(&runs->items[i], row);
		const uint64_t n = of_counts ? v.count : v.size;

		if (runs->items[i].side != side)
			continue;
		s.lowest = n < s.lowest ? n : s.lowest;
		s.highest = n > s.highest ? n : s.highest;
	}
	return s;
}

static bool are_apart(const struct runs *runs, size_t row, bool of_counts)
{
	const struct spread old = spread_of(runs, GROUP_OLD, row, of_counts), new = spread_of(runs, GROUP_NEW, row, of_counts);

	return old.highest < new.lowest || new.highest < old.lowest;
}

struct spread runs_spread(const struct runs *runs, enum group_side side, const struct group_stat *s)
{
	return spread_of(runs, side, s->number, false);
}

bool runs_have_changed(const struct runs *runs, const struct group_stat *s)
{
	return are_apart(runs, s->number, false) || are_apart(runs, s->number, true);
}

/* ---- joining ---- */

static void join_rows(struct runs *runs, uint32_t from, uint32_t to)
{
	for (size_t i = 0; i < runs->count; i++) {
		struct run *const r = &runs->items[i];

		if (from >= r->row_count)
			continue;
		r->rows[to].size += r->rows[from].size;
		r->rows[to].count += r->rows[from].count;
		r->rows[from] = (struct group_value){ 0 };
	}
}

static int join(struct runs *runs, struct grouping *g)
{
	uint32_t *into;
	size_t kept = 0;
	const int err = grouping_match(g, &into);

	if (err)
		return err;
	for (uint32_t i = 0; i < g->stat_count; i++) {
		uint32_t end = i;

		while (into[end] != end)
			end = into[end];
		if (end != i)
			join_rows(runs, i, end);
	}
	for (uint32_t i = 0; i < g->stat_count; i++)
		if (into[i] == i)
			g->stats[kept++] = g->stats[i];
	runs->joined = g->stat_count - kept;
	g->stat_count = kept;
	free(into);
	return 0;
}

/* Earlier captures have fewer rows: all get the rows of the last one. */
static int make_equal(struct runs *runs, size_t rows)
{
	for (size_t i = 0; i < runs->count; i++) {
		struct run *const r = &runs->items[i];
		struct group_value *const more = realloc(r->rows, (rows + 1) * sizeof(*more));

		if (!more)
			return TRK_ERR_NOMEM;
		r->rows = more;
		while (r->row_count < rows)
			r->rows[r->row_count++] = (struct group_value){ 0 };
	}
	return 0;
}

int runs_settle(struct runs *runs, struct grouping *g, bool match)
{
	uint64_t *const scratch = calloc(2 * runs->count + 1, sizeof(*scratch));
	int err = scratch ? make_equal(runs, g->stat_count) : TRK_ERR_NOMEM;

	for (int pass = 0; pass < 2 && !err; pass++) {
		for (size_t i = 0; i < g->stat_count; i++)
			take_medians(runs, g->stats[i].number, scratch, g->stats[i].value);
		if (!match)
			break;
		if (pass == 0)
			err = join(runs, g);
	}
	if (!err)
		take_medians(runs, TOTAL, scratch, g->total);
	free(scratch);
	return err;
}

/* ---- the verdict ---- */

static const char *size_text(uint64_t bytes, char buf[32])
{
	return ui_size(buf, 32, (int64_t)bytes, false);
}

/* "1000 B (+1.00%) more"; "as much" */
static void say_difference(const struct grouping *g, char *buf, size_t room)
{
	const uint64_t old = g->total[GROUP_OLD].size, new = g->total[GROUP_NEW].size;
	const uint64_t far = old < new ? new - old : old - new;
	char size[32], share[32] = "";

	if (old)
		snprintf(share, sizeof(share), " (%.2f%%)", 100.0 * (double)far / (double)old);
	if (far)
		snprintf(buf, room, "%s%s %s than", size_text(far, size), share, old < new ? "more" : "less");
	else
		snprintf(buf, room, "as much as");
}

void runs_verdict(const struct runs *runs, const struct grouping *g, struct emit *e)
{
	const struct spread old = spread_of(runs, GROUP_OLD, TOTAL, false), new = spread_of(runs, GROUP_NEW, TOTAL, false);
	char difference[80], text[400], size[4][32];

	say_difference(g, difference, sizeof(difference));
	if (!runs_are_several(runs))
		snprintf(text, sizeof(text), "NEW holds %s OLD.", difference);
	else if (are_apart(runs, TOTAL, false))
		snprintf(text, sizeof(text), "NEW holds %s OLD; all of its captures (%s to %s) hold %s than all of OLD's (%s to %s).", difference,
			 size_text(new.lowest, size[0]), size_text(new.highest, size[1]), old.highest < new.lowest ? "more" : "less",
			 size_text(old.lowest, size[2]), size_text(old.highest, size[3]));
	else
		snprintf(text, sizeof(text), "No difference is shown: NEW holds %s OLD, but captures of one side differ as well (OLD %s to %s, NEW %s to %s).",
			 difference, size_text(old.lowest, size[0]), size_text(old.highest, size[1]), size_text(new.lowest, size[2]), size_text(new.highest, size[3]));
	emit_figure(e, "verdict", emit_words(text));
}
