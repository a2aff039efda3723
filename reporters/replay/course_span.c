/*
 * course_span - which events and which time of each process are the run that is judged.
 *
 * Without points, the headers of blocks tell how many events a process has. With points, the events up to the end of the
 * run are counted; in a capture that is too large for that, points become times, and the events before a time are
 * interpolated in the block in which it lies.
 */
#include "replay/course_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/event.h"
#include "replay/process_ends.h"
#include "replay/stop.h"

bool course_is_of(const struct course_reading *r, const struct cap_block *b)
{
	return r->options->process == UINT32_MAX || r->options->process == b->process;
}

static int ends_before(struct trk_fault *fault)
{
	*fault = (struct trk_fault){ .code = TRK_ERR_ARG, .why = "the range ends before it begins" };
	return TRK_ERR_ARG;
}

/* ---- by the headers of blocks ---- */

uint64_t course_within(const struct cap_block *b, uint64_t time_ns)
{
	if (time_ns >= b->last_time_ns)
		return time_ns == b->last_time_ns && b->first_time_ns == b->last_time_ns ? 0 : b->items;
	if (time_ns <= b->first_time_ns)
		return 0;
	return (uint64_t)((double)b->items * (double)(time_ns - b->first_time_ns) / (double)(b->last_time_ns - b->first_time_ns));
}

int course_edges(struct course_reading *r)
{
	const struct capture *const c = r->capture;
	uint64_t *const passed = calloc((size_t)c->process_count + 1, sizeof(*passed));

	r->edges = malloc(((size_t)c->process_count + 1) * sizeof(*r->edges));
	if (!passed || !r->edges) {
		free(passed);
		return TRK_ERR_NOMEM;
	}
	memset(r->edges, 0xff, ((size_t)c->process_count + 1) * sizeof(*r->edges));
	for (uint32_t i = 0; i < c->block_count; i++) {
		const struct cap_block *const b = &c->blocks[i];
		const struct course_process *const p = &r->course->processes[b->process];
		const double ns = (double)(b->last_time_ns - b->first_time_ns);
		const uint64_t first = passed[b->process];

		passed[b->process] += b->items;
		for (uint32_t bin = 0; bin < COURSE_BINS; bin++) {
			const uint64_t at = p->from_event + (uint64_t)((double)(p->to_event - p->from_event) * bin / COURSE_BINS);

			if (at >= first && at < first + b->items)
				r->edges[b->process][bin] = b->first_time_ns + (uint64_t)(ns * (double)(at - first) / b->items);
		}
	}
	free(passed);
	return 0;
}

static uint64_t time_of_share(const struct course_reading *r, uint64_t share)
{
	const struct capture *const c = r->capture;
	uint64_t all = 0, passed = 0, left;

	for (uint32_t i = 0; i < c->block_count; i++)
		all += course_is_of(r, &c->blocks[i]) ? c->blocks[i].items : 0;
	left = (uint64_t)((double)all * (double)share / 100000);
	for (uint32_t i = 0; i < c->block_count; i++) {
		passed += course_is_of(r, &c->blocks[i]) ? c->blocks[i].items : 0;
		if (passed >= left)
			return left ? c->blocks[i].last_time_ns : 0;
	}
	return c->last_time_ns;
}

/* The labels of marks, as far as there is room. Returns out. */
static char *list_marks(const struct capture *c, char *out, size_t room)
{
	size_t used = 0;

	out[0] = '\0';
	for (uint32_t i = 0; i < c->mark_count; i++) {
		const struct cap_mark *const m = &c->marks[i];
		const uint32_t bytes = m->label_bytes < 40 ? m->label_bytes : 40;

		if (used + bytes + 3 >= room)
			break;
		used += (size_t)snprintf(out + used, room - used, "%s%.*s", used ? ", " : "", (int)bytes, m->label);
	}
	return out;
}

/* Whether a point that was not found may be the end. */
static int check_point(const struct course_reading *r, const struct stop *s, struct trk_fault *fault)
{
	char marks[160];

	return stop_check(s, capture_end(r->capture), list_marks(r->capture, marks, sizeof(marks)), fault);
}

/* Marks of the process come in the order of their times. */
static int time_of_mark(const struct course_reading *r, const struct point *p, uint64_t *ret, struct trk_fault *fault)
{
	const struct capture *const c = r->capture;
	const size_t bytes = strlen(p->label);
	uint64_t passed = 0;

	for (uint32_t i = 0; i < c->mark_count; i++) {
		const struct cap_mark *const m = &c->marks[i];

		if (r->options->process != UINT32_MAX && r->options->process != m->process)
			continue;
		if (p->kind == POINT_NTH_MARK ? ++passed == p->number : m->label_bytes == bytes && !memcmp(m->label, p->label, bytes)) {
			*ret = m->time_ns;
			return 0;
		}
	}
	return check_point(r, &(struct stop){ .point = *p }, fault);
}

static int time_of(const struct course_reading *r, const struct point *p, uint64_t *ret, struct trk_fault *fault)
{
	switch (p->kind) {
	case POINT_TIME:
		*ret = p->number;
		return check_point(r, &(struct stop){ .point = *p }, fault);
	case POINT_SHARE:
		*ret = time_of_share(r, p->number);
		return 0;
	case POINT_MARK:
	case POINT_NTH_MARK:
		return time_of_mark(r, p, ret, fault);
	case POINT_PEAK:
		*ret = capture_summary(r->capture, "peak_time_ns");
		return 0;
	default:
		*ret = capture_end(r->capture);
		return 0;
	}
}

static int span_by_headers(struct course_reading *r, const struct point *from, const struct point *to, struct trk_fault *fault)
{
	struct course *const t = r->course;
	const struct capture *const c = r->capture;
	int err = from ? time_of(r, from, &t->from_ns, fault) : 0;

	if (!err)
		err = time_of(r, to, &t->to_ns, fault);
	r->to_applied = to->kind == POINT_END ? UINT64_MAX : 0;
	for (uint32_t i = 0; i < c->block_count && !err; i++) {
		const struct cap_block *const b = &c->blocks[i];
		struct course_process *const p = &t->processes[b->process];

		if (!course_is_of(r, b))
			continue;
		p->from_event += from ? course_within(b, t->from_ns) : 0;
		p->to_event += to->kind == POINT_END ? b->items : course_within(b, t->to_ns);
		if (to->kind != POINT_END)
			r->to_applied += course_within(b, t->to_ns);
	}
	return err;
}

/* ---- by counting ---- */

struct counting {
	struct course_reading *reading;
	struct stop from, to;
	uint64_t applied;
	bool looks_for_from;
};

/* Whether the end of the run is here, before e. */
static bool step(struct counting *k, const struct trk_event *e)
{
	struct course *const t = k->reading->course;

	if (k->looks_for_from && stop_step(&k->from, e, k->applied)) {
		k->looks_for_from = false;
		k->from.met = true;
		t->from_ns = k->from.point.kind == POINT_TIME ? k->from.point.number : e->time_ns;
		for (uint32_t i = 0; i < t->process_count; i++)
			t->processes[i].from_event = t->processes[i].to_event;
	}
	if (k->to.point.kind != POINT_END && stop_step(&k->to, e, k->applied)) {
		k->to.met = true;
		t->to_ns = k->to.point.kind == POINT_TIME ? k->to.point.number : e->time_ns;
		return true;
	}
	t->processes[e->process].to_event++;
	k->applied++;
	return false;
}

static int count_events(struct counting *k)
{
	const struct trk_event *e;
	struct cursor *cursor = NULL;
	bool ends = false;
	size_t n;
	int err = cursor_open(&cursor, k->reading->capture, k->reading->options->process);

	while (!err && !ends && (err = cursor_batch(cursor, &e, &n)) == 0)
		for (size_t i = 0; i < n && !ends; i++)
			ends = step(k, &e[i]);
	cursor_close(cursor);
	k->reading->to_applied = k->applied;
	return err == TRK_END ? 0 : err;
}

/* The number of events up to the peak. */
static int find_peak(const struct course_reading *r, uint64_t *ret, struct trk_fault *fault)
{
	const struct view_options o = { .what = VIEW_LIVE, .process = r->options->process, .at.from.kind = POINT_PEAK };
	struct view v;
	const int err = view_build(r->capture, &o, &v, fault);

	if (err)
		return err;
	*ret = v.totals.peak_event;
	view_finish(&v);
	return 0;
}

static int span_by_events(struct course_reading *r, const struct point *from, const struct point *to, struct trk_fault *fault)
{
	struct counting k = { .reading = r, .looks_for_from = from != NULL };
	uint64_t peak = 0;
	int err = 0;

	if (to->kind == POINT_PEAK || (from && from->kind == POINT_PEAK))
		err = find_peak(r, &peak, fault);
	if (err)
		return err;
	stop_set(&k.to, to, r->capture, r->options->process, peak);
	if (from)
		stop_set(&k.from, from, r->capture, r->options->process, peak);
	r->course->to_ns = capture_end(r->capture);
	err = count_events(&k);
	if (!err && from)
		err = k.to.met && !k.from.met ? ends_before(fault) : check_point(r, &k.from, fault);
	return err ? err : check_point(r, &k.to, fault);
}

/* ---- the whole ---- */

/* The time of each process: a part of the run's. */
static int set_times(struct course_reading *r)
{
	struct course *const t = r->course;
	const struct capture *const c = r->capture;
	struct process_ends ends;

	for (uint32_t i = 0; i < c->process_count; i++) {
		t->processes[i].from_ns = c->processes[i].start_ns > t->from_ns ? c->processes[i].start_ns : t->from_ns;
		t->processes[i].to_ns = t->to_ns;
	}
	if (process_ends_init(&ends, c) < 0)
		return TRK_ERR_NOMEM;
	for (uint32_t i = 0; i < ends.count; i++)
		if (ends.list[i].time_ns < t->to_ns)
			t->processes[ends.list[i].process].to_ns = ends.list[i].time_ns;
	process_ends_finish(&ends);
	return 0;
}

int course_span(struct course_reading *r, bool exactly, struct trk_fault *fault)
{
	const struct point_range *const at = &r->options->at;
	const struct point *const from = at->is_range ? &at->from : NULL, *const to = at->is_range ? &at->to : &at->from;
	const bool by_headers = !exactly || (!from && to->kind == POINT_END);
	int err;

	if (r->capture->keyframe_count && r->capture->keyframes[0].begins)
		r->course->from_ns = r->capture->keyframes[0].time_ns;
	err = by_headers ? span_by_headers(r, from, to, fault) : span_by_events(r, from, to, fault);
	if (!err && r->course->from_ns >= r->course->to_ns && r->course->to_ns) {
		if (from)
			return ends_before(fault);
		r->course->from_ns = 0; /* the point lies before the recording began: nothing grew until then */
	}
	return err ? err : set_times(r);
}
