/*
 * seek - see seek.h.
 *
 * A keyframe is not chosen for a point at the keyframe itself: the point must come after it, so that at least one
 * event stands between the two. That event ends the processes that were over before it, as it does in a complete
 * replay.
 */
#include "replay/seek.h"

#include <stdlib.h>
#include <string.h>

#include "replay/heap_keyframe.h"

/* What a keyframe must come before. */
struct limit {
	uint64_t time_ns; /* the keyframe's is less */
	uint64_t events; /* fewer stand before it */
};

static bool is_of(const struct cap_mark *m, uint32_t process)
{
	return process == UINT32_MAX || m->process == process;
}

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/* Time of the n-th mark, from 1; UINT64_MAX: there are fewer. */
static int nth_mark(const struct capture *c, uint32_t process, uint64_t n, uint64_t *ret)
{
	uint64_t *const times = malloc(((size_t)c->mark_count + 1) * sizeof(*times));
	uint32_t count = 0;

	if (!times)
		return TRK_ERR_NOMEM;
	for (uint32_t i = 0; i < c->mark_count; i++)
		if (is_of(&c->marks[i], process))
			times[count++] = c->marks[i].time_ns;
	qsort(times, count, sizeof(*times), by_value);
	*ret = n <= count ? times[n - 1] : UINT64_MAX;
	free(times);
	return 0;
}

static uint64_t first_mark(const struct capture *c, uint32_t process, const char *label)
{
	const size_t bytes = strlen(label);
	uint64_t first = UINT64_MAX;

	for (uint32_t i = 0; i < c->mark_count; i++) {
		const struct cap_mark *const m = &c->marks[i];

		if (is_of(m, process) && m->label_bytes == bytes &&
		    memcmp(m->label, label, bytes) == 0 && m->time_ns < first)
			first = m->time_ns;
	}
	return first;
}

static int limit_by(const struct capture *c, uint32_t process, const struct stop *s,
		    struct limit *limit)
{
	uint64_t time_ns = UINT64_MAX;
	int err = 0;

	if (s->point.kind == POINT_TIME && s->point.number < UINT64_MAX)
		time_ns = s->point.number + 1;
	else if (s->point.kind == POINT_MARK)
		time_ns = first_mark(c, process, s->point.label);
	else if (s->point.kind == POINT_NTH_MARK)
		err = nth_mark(c, process, s->point.number, &time_ns);
	else if ((s->point.kind == POINT_SHARE || s->point.kind == POINT_PEAK) &&
		 s->after_event < limit->events)
		limit->events = s->after_event;
	if (time_ns < limit->time_ns)
		limit->time_ns = time_ns;
	return err;
}

int seek_choose(const struct capture *c, const struct seek *s, uint32_t *ret_keyframe)
{
	struct limit limit = { UINT64_MAX, UINT64_MAX };
	uint64_t events = 0;
	uint32_t block = 0;
	int err = 0;

	for (uint32_t i = 0; i < 2 && !err; i++)
		err = limit_by(c, s->process, s->points[i], &limit);
	*ret_keyframe = SEEK_NONE;
	for (uint32_t i = 0; i < c->keyframe_count && !err; i++) {
		for (; block < c->keyframes[i].first_block; block++)
			if (s->process == UINT32_MAX || c->blocks[block].process == s->process)
				events += c->blocks[block].items;
		if (c->keyframes[i].time_ns >= limit.time_ns || events >= limit.events)
			break;
		if (!c->keyframes[i].begins)
			*ret_keyframe = i;
	}
	return err;
}

/* Whether the list of marks has those that the keyframe counts. */
static bool lists_marks(const struct capture *c, const struct seek *s, uint64_t marks)
{
	uint64_t listed = 0;

	for (uint32_t i = 0; i < c->mark_count; i++)
		listed += is_of(&c->marks[i], s->process) &&
			  c->marks[i].time_ns <= c->keyframes[s->keyframe].time_ns;
	return listed == marks;
}

int seek_begin(struct capture *c, const struct seek *s, struct heap *h, uint64_t *ret_events,
	       uint32_t *ret_block)
{
	struct heap_keyframe_state state;
	int err;

	*ret_events = 0;
	*ret_block = 0;
	if (s->keyframe == SEEK_NONE)
		return heap_keyframe_begin(c, s->process, h);
	err = heap_keyframe_restore(c, s->keyframe, s->process, h, &state);
	if (err)
		return err;
	for (uint32_t i = 0; i < 2; i++)
		if (stop_counts_marks(s->points[i]) && (!lists_marks(c, s, state.marks) ||
							!stop_skip_marks(s->points[i], state.marks)))
			return TRK_ERR_CORRUPT;
	*ret_events = state.events;
	*ret_block = c->keyframes[s->keyframe].first_block;
	return 0;
}

bool seek_answers(const struct capture *c, const struct view_options *o)
{
	/* Gaps from corrupt records are in no sum. */
	const bool told = capture_health(c, "events") && !capture_health(c, "corrupt_records");
	const struct point *const last = o->at.is_range ? &o->at.to : &o->at.from;

	/* How exact estimates are also depends on what came before. */
	if (o->region || o->sizes || c->header.sample_bytes)
		return false;
	if (o->what == VIEW_LIVE)
		return o->rows_only && last->kind != POINT_END && (c->cut || told);
	return o->spanned && o->at.is_range;
}

bool seek_knows_peak(const struct capture *c, uint32_t process, uint64_t *ret_event,
		     uint64_t *ret_ns)
{
	const uint64_t event = capture_summary(c, "peak_event");

	if (process != UINT32_MAX || !c->complete || !event || event > c->event_count ||
	    capture_health(c, "recorder_out_of_memory"))
		return false;
	for (uint32_t i = 0; i < c->block_count; i++)
		if (c->blocks[i].process != c->blocks[0].process)
			return false;
	*ret_event = event;
	*ret_ns = capture_summary(c, "peak_time_ns");
	return true;
}
