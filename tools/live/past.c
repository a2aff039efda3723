/* past - see past.h. */
#include "past.h"

#include <stdlib.h>
#include <string.h>

static void set_free(struct past_set *s)
{
	free(s->list);
	*s = (struct past_set){ 0 };
}

void past_forget_rows(struct past *p)
{
	set_free(&p->last);
	set_free(&p->present);
	for (size_t i = 0; i < p->set_count; i++)
		set_free(&p->sets[i]);
	p->set_count = 0;
}

void past_finish(struct past *p)
{
	past_forget_rows(p);
	*p = (struct past){ 0 };
}

/* ---- the course ---- */

/* Two neighbours become one, which is as high as the higher one. */
static void thin_out(struct past *p)
{
	const size_t half = p->point_count / 2;

	for (size_t i = 0; i < half; i++) {
		const struct past_point a = p->points[2 * i], b = p->points[2 * i + 1];

		p->points[i] = (struct past_point){ b.time_ns, a.heap > b.heap ? a.heap : b.heap, a.rss > b.rss ? a.rss : b.rss };
	}
	p->apart_ns = (p->points[half - 1].time_ns - p->points[0].time_ns) / half;
	p->point_count = half;
}

void past_add_point(struct past *p, const struct past_point *point)
{
	struct past_point *last;

	if (p->point_count && point->time_ns < p->points[p->point_count - 1].time_ns + p->apart_ns) {
		last = &p->points[p->point_count - 1];
		last->heap = point->heap > last->heap ? point->heap : last->heap;
		last->rss = point->rss > last->rss ? point->rss : last->rss;
		return;
	}
	if (p->point_count == PAST_POINTS)
		thin_out(p);
	p->points[p->point_count++] = *point;
}

/* ---- rows ---- */

static int by_id(const void *left, const void *right)
{
	const struct past_entry *const a = left, *const b = right;

	return a->id < b->id ? -1 : a->id > b->id;
}

/* Keeps a set for a minute, and of those that are older the newest. */
static void keep(struct past *p, const struct past_set *s, uint64_t now_ns)
{
	size_t old = 0;

	while (old + 1 < p->set_count && p->sets[old + 1].time_ns + PAST_MINUTE_NS <= now_ns)
		old++;
	if (!old && p->set_count == PAST_SETS)
		old = 1;
	for (size_t i = 0; i < old; i++)
		set_free(&p->sets[i]);
	memmove(p->sets, p->sets + old, (p->set_count - old) * sizeof(*p->sets));
	p->set_count -= old;
	p->sets[p->set_count] = (struct past_set){ .time_ns = s->time_ns, .list = malloc((s->count + 1) * sizeof(*s->list)), .count = s->count };
	if (!p->sets[p->set_count].list)
		return;
	if (s->count)
		memcpy(p->sets[p->set_count].list, s->list, s->count * sizeof(*s->list));
	p->set_count++;
}

void past_add_rows(struct past *p, uint64_t time_ns, struct past_entry *list, size_t count)
{
	const struct past_set *const newest = p->set_count ? &p->sets[p->set_count - 1] : NULL;

	if (count)
		qsort(list, count, sizeof(*list), by_id);
	set_free(&p->last);
	p->last = p->present;
	p->present = (struct past_set){ time_ns, list, count };
	if (!newest || time_ns >= newest->time_ns + PAST_STEP_NS)
		keep(p, &p->present, time_ns);
}

/* What is not in the set held nothing. */
static int64_t change(const struct past_set *s, uint64_t id, uint64_t bytes)
{
	const struct past_entry key = { .id = id };
	const struct past_entry *const e = s->count ? bsearch(&key, s->list, s->count, sizeof(key), by_id) : NULL;

	return (int64_t)(bytes - (e ? e->bytes : 0));
}

bool past_since_last(const struct past *p, uint64_t id, uint64_t bytes, int64_t *ret)
{
	if (!p->last.list)
		return false;
	*ret = change(&p->last, id, bytes);
	return true;
}

bool past_since_minute(const struct past *p, uint64_t id, uint64_t bytes, int64_t *ret)
{
	size_t i = 0;

	if (!p->set_count || !p->last.list)
		return false;
	while (i + 1 < p->set_count && p->sets[i + 1].time_ns + PAST_MINUTE_NS <= p->present.time_ns)
		i++;
	*ret = change(&p->sets[i], id, bytes);
	return true;
}
