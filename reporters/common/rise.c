/* rise - see rise.h. */
#include "common/rise.h"

#include <stdlib.h>

#define WARM_UP (RISE_BINS / 10)
#define JUDGED_BINS (RISE_BINS - WARM_UP)
#define PARTS 6u
#define FACTOR 3.0 /* between a part and the one in the middle */
#define FEW 60u /* blocks: if they come at random, six parts would often be uneven */
#define PARTS_OF_FEW 4u
#define FACTOR_OF_FEW 4.0
#define LEVEL_LEAST 0.75 /* of what was kept, by which the level must stand above its lowest */
#define FLOORS_MIN 10u
#define FALL_MOST (1.0 / 7)
#define RISE_LEAST 0.1

_Static_assert(JUDGED_BINS % PARTS == 0 && JUDGED_BINS % PARTS_OF_FEW == 0, "parts are equally long");

/* A series along one axis, on RISE_BINS bins from its first position to its last. */
struct line {
	double kept[RISE_BINS], kept_count[RISE_BINS];
	double floor[RISE_BINS]; /* the lowest level from the end of the bin on */
	bool known[RISE_BINS], sparse; /* levels are known here; not everywhere */
};

static uint32_t bin_of(const struct rise_series *s, const struct rise_point *p, enum rise_axis axis)
{
	const uint32_t first = s->points[0].bin[axis], bins = s->points[s->count - 1].bin[axis] + 1u - first;

	return (p->bin[axis] - first) * RISE_BINS / bins;
}

/*
 * The floor at the end of each bin: that of the last position in it, or of the bin before. Where levels are not always
 * known, the bins between two that are known lie on a straight line.
 */
static void draw_floor(const struct rise_series *s, enum rise_axis axis, struct line *l)
{
	double floor = -1;
	int64_t bin = RISE_BINS - 1;
	bool sparse = false;

	for (uint32_t i = s->count; i-- > 0;) {
		const struct rise_point *const p = &s->points[i];
		const int64_t at = bin_of(s, p, axis), last = bin;
		double level;

		sparse |= !p->has_level;
		if (!p->has_level)
			continue;
		level = floor < 0 || (double)p->level < floor ? (double)p->level : floor;
		for (; bin >= at; bin--)
			l->floor[bin] = sparse && last + 1 < RISE_BINS ? level + (l->floor[last + 1] - level) * (double)(bin - at) / (double)(last + 1 - at) :
									 level;
		l->known[at] = true;
		if (floor < 0 || (double)p->low < floor)
			floor = (double)p->low;
		sparse = false;
	}
	for (; bin >= 0; bin--)
		l->floor[bin] = 0;
	for (uint32_t i = 0; i < s->count && (s->points[i].has_level || !i); i++)
		l->sparse = i + 1 < s->count && !s->points[i + 1].has_level;
}

/* Of the parts of a line where levels are not always known, all but one must have a level that is. */
static bool is_known(const struct line *l)
{
	uint32_t unknown = 0;

	for (uint32_t part = 0; l->sparse && part < PARTS; part++) {
		bool known = false;

		for (uint32_t i = 0; i < JUDGED_BINS / PARTS; i++)
			known |= l->known[WARM_UP + part * JUDGED_BINS / PARTS + i];
		unknown += !known;
	}
	return unknown < 2;
}

static void draw(const struct rise_series *s, enum rise_axis axis, struct line *ret)
{
	*ret = (struct line){ 0 };
	for (uint32_t i = 0; i < s->count; i++) {
		const uint32_t bin = bin_of(s, &s->points[i], axis);

		ret->kept[bin] += (double)s->points[i].kept;
		ret->kept_count[bin] += (double)s->points[i].kept_count;
	}
	draw_floor(s, axis, ret);
}

/* ---- figures ---- */

static int ascending(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, uint32_t n)
{
	qsort(values, n, sizeof(*values), ascending);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

/* Theil and Sen: the median slope, a bin, of values at the ends of the judged bins. */
static double slope(const double values[JUDGED_BINS])
{
	double slopes[JUDGED_BINS * (JUDGED_BINS - 1) / 2];
	uint32_t n = 0;

	for (uint32_t i = 0; i < JUDGED_BINS; i++)
		for (uint32_t k = i + 1; k < JUDGED_BINS; k++)
			slopes[n++] = (values[k] - values[i]) / (k - i);
	return median(slopes, n);
}

/*
 * Whether a line rises in each of n parts, by at least a `factor`-th of what it does in the part in the middle, and (most)
 * in none by more than so many times that. before: where it began.
 */
static bool is_even(double before, const double line[JUDGED_BINS], uint32_t n, double factor, bool most)
{
	double parts[PARTS], middle;

	for (uint32_t i = 0; i < n; i++)
		parts[i] = line[(i + 1) * JUDGED_BINS / n - 1] - (i ? line[i * JUDGED_BINS / n - 1] : before);
	middle = median(parts, n);
	return middle > 0 && parts[0] * factor >= middle && (!most || parts[n - 1] <= middle * factor);
}

/* The last level that is known, and the lowest after the warm-up. */
static double last_level(const struct rise_series *s)
{
	for (uint32_t i = s->count; i-- > 0;)
		if (s->points[i].has_level)
			return (double)s->points[i].level;
	return 0;
}

static double lowest(const struct rise_series *s, enum rise_axis axis)
{
	double low = last_level(s);

	for (uint32_t i = 0; i < s->count; i++)
		if (s->points[i].has_level && bin_of(s, &s->points[i], axis) >= WARM_UP && (double)s->points[i].low < low)
			low = (double)s->points[i].low;
	return low;
}

/* Whether what rose by events was over before that part of the time. upto: how much of it had come by the end of each bin, of 1. */
static bool is_idle(const struct rise_series *s, const double upto[RISE_BINS], double part)
{
	const double all = s->seconds + s->after;
	uint32_t bin = 0;
	double over;

	while (bin < RISE_BINS - 1 && upto[bin] < 0.9)
		bin++;
	over = s->seconds * (bin + 1) / RISE_BINS;
	return over <= all * part && all - over > RISE_IDLE_S;
}

/* ---- blocks that are kept ---- */

static bool is_idle_kept(const struct rise_series *s)
{
	double upto[RISE_BINS], sum = 0;
	struct line l;

	draw(s, RISE_TIME, &l);
	for (uint32_t i = 0; i < RISE_BINS; i++)
		upto[i] = sum += l.kept_count[i];
	for (uint32_t i = 0; i < RISE_BINS; i++)
		upto[i] /= sum > 0 ? sum : 1;
	return is_idle(s, upto, 0.5);
}

static bool keeps(const struct rise_series *s, const struct line *l, enum rise_axis axis, struct rise *ret)
{
	double counts[JUDGED_BINS], sums[JUDGED_BINS], count = 0, bytes = 0, grown;

	for (uint32_t i = 0; i < JUDGED_BINS; i++) {
		counts[i] = count += l->kept_count[WARM_UP + i];
		sums[i] = bytes += l->kept[WARM_UP + i];
	}
	if (count < RISE_BLOCKS_MIN || !(count < FEW ? is_even(0, counts, PARTS_OF_FEW, FACTOR_OF_FEW, false) :
						       is_even(0, counts, PARTS, FACTOR, false)))
		return false;
	grown = slope(sums) * RISE_BINS;
	if (grown < 1 || last_level(s) - lowest(s, axis) < LEVEL_LEAST * grown * JUDGED_BINS / RISE_BINS)
		return false;
	if (axis == RISE_EVENTS && is_idle_kept(s)) {
		ret->was_idle = true;
		return false;
	}
	ret->kind = RISE_KEPT;
	ret->bytes = (uint64_t)grown;
	return true;
}

/* ---- levels ---- */

static bool is_idle_level(const struct rise_series *s, double part)
{
	double upto[RISE_BINS];
	struct line l;

	draw(s, RISE_TIME, &l);
	for (uint32_t i = 0; i < RISE_BINS; i++)
		upto[i] = l.floor[RISE_BINS - 1] > 0 ? l.floor[i] / l.floor[RISE_BINS - 1] : 0;
	return is_idle(s, upto, part);
}

/* The deepest fall below an earlier level, after the warm-up. */
static double deepest_fall(const struct rise_series *s, enum rise_axis axis)
{
	double most = 0, fall = 0;

	for (uint32_t i = 0; i < s->count; i++) {
		const double level = (double)s->points[i].level;

		if (!s->points[i].has_level || bin_of(s, &s->points[i], axis) < WARM_UP)
			continue;
		if (level > most)
			most = level;
		if (most - level > fall)
			fall = most - level;
	}
	return fall;
}

static bool rises(const struct rise_series *s, const struct line *l, enum rise_axis axis, struct rise *ret)
{
	const double *const floor = l->floor + WARM_UP;
	const double before = l->floor[WARM_UP - 1], all = floor[JUDGED_BINS - 1] - before;
	uint32_t floors = 0;

	for (uint32_t i = 0; i < JUDGED_BINS; i++)
		floors += floor[i] > (i ? floor[i - 1] : before);
	if (!is_known(l) || floors < FLOORS_MIN || !is_even(before, floor, PARTS, FACTOR, true) || all < RISE_LEAST * before ||
	    deepest_fall(s, axis) > all * FALL_MOST)
		return false;
	if (axis == RISE_EVENTS && is_idle_level(s, 0.5)) {
		ret->was_idle = true;
		return false;
	}
	ret->kind = RISE_LEVEL;
	ret->bytes = (uint64_t)(slope(floor) * RISE_BINS);
	return ret->bytes > 0;
}

/* ---- doubling ---- */

#define STEPS 3u /* distances that must fit */
#define STEP_LEAST 1.4
#define OVERDUE 0.95 /* of the run: bins are no finer */
#define FLAT 0.1 /* how far the level may change between jumps, or be made of other blocks */

struct jump {
	double at, level; /* behind it; at: 0..1 */
	const struct rise_point *point;
};

/* The last STEPS + 1 jumps of the level, the latest first; false: there are fewer, or the level changes in between. */
static bool find_jumps(const struct rise_series *s, enum rise_axis axis, struct jump ret[STEPS + 1])
{
	double later = last_level(s);
	const struct rise_point *next = NULL;
	uint32_t n = 0;

	for (uint32_t i = s->count; i-- > 0 && n <= STEPS;) {
		const struct rise_point *const p = &s->points[i];
		const double level = (double)p->level;

		if (!p->has_level)
			continue;
		if (next && later > 0 && level * STEP_LEAST <= later) {
			ret[n++] = (struct jump){ (bin_of(s, next, axis) + 0.5) / RISE_BINS, later, next };
			later = level;
		} else if (level > later * (1 + FLAT) || level < later * (1 - FLAT)) {
			return false;
		}
		next = p;
	}
	return n > STEPS;
}

/* Whether nearly all that lives at the end was made at the last jump: what was there before was replaced, not added to. */
static bool is_replaced(const struct rise_series *s, const struct rise_point *jump)
{
	double kept = 0;

	for (const struct rise_point *p = jump; p < &s->points[s->count]; p++)
		kept += (double)p->kept;
	return kept >= last_level(s) * (1 - FLAT);
}

/* A jump comes when the contents, which grow evenly, have reached the level before it. */
static bool doubles(const struct rise_series *s, enum rise_axis axis, struct rise *ret)
{
	struct jump jumps[STEPS + 1];

	if (!find_jumps(s, axis, jumps) || !is_replaced(s, jumps[0].point))
		return false;
	for (uint32_t i = 0; i < STEPS; i++) {
		const double moved = jumps[i].at / jumps[i + 1].at, larger = jumps[i].level / jumps[i + 1].level;

		if (moved < larger * 0.5 || moved > larger * 2)
			return false;
	}
	if (jumps[0].at * jumps[0].level / jumps[1].level < OVERDUE)
		return false;
	ret->kind = RISE_DOUBLING;
	ret->bytes = (uint64_t)last_level(s);
	ret->last = jumps[0].at;
	return true;
}

/* ---- the whole ---- */

static bool rises_along(const struct rise_series *s, enum rise_axis axis, struct rise *ret)
{
	struct line l;

	if (axis == RISE_TIME && s->seconds + s->after < RISE_SHORT_S)
		return false;
	draw(s, axis, &l);
	return keeps(s, &l, axis, ret) || rises(s, &l, axis, ret);
}

static bool doubles_along(const struct rise_series *s, enum rise_axis axis, struct rise *ret)
{
	if (axis == RISE_TIME && s->seconds + s->after < RISE_SHORT_S)
		return false;
	/* what fills a block goes on behind its last step */
	return doubles(s, axis, ret) && (axis == RISE_TIME || !is_idle_level(s, 0.25));
}

void rise_judge(const struct rise_series *s, struct rise *ret)
{
	struct rise found = { 0 };
	bool is_one;

	*ret = found;
	if (s->count < 2)
		return;
	is_one = rises_along(s, RISE_TIME, &found) || rises_along(s, RISE_EVENTS, &found) || doubles_along(s, RISE_TIME, &found) ||
		 doubles_along(s, RISE_EVENTS, &found);
	if (is_one)
		*ret = found;
	ret->was_idle = found.was_idle && !is_one;
}

bool rise_is_borne_out(const struct rise *r, const struct rise_series *all)
{
	return last_level(all) - lowest(all, RISE_EVENTS) >= LEVEL_LEAST * (double)r->bytes * JUDGED_BINS / RISE_BINS;
}

void rise_add(struct rise_series *sum, const struct rise_series *s)
{
	uint64_t before = 0;

	for (uint32_t i = 0; i < sum->count; i++) {
		struct rise_point *const p = &sum->points[i];
		const struct rise_point *const of = &s->points[i];

		p->level += of->level;
		p->low = i && before < p->level ? before : p->level;
		p->kept += of->kept;
		p->kept_count += of->kept_count;
		if (p->has_level)
			before = p->level;
	}
}
