/*
 * course_read - which live sets and which events are read, and the reading of them.
 *
 * Up to so many events as are asked for are all replayed. So is a capture with too few keyframes (their distance grows with
 * the live set), or with estimates. Otherwise keyframes are read in which a bin of the whole run has changed
 * since the last, and the events behind the last keyframe. Of a part of the run, only the events of the part are
 * replayed, from the last keyframe before it on, if they are few enough. The recorder writes at least 64 events for each block of a
 * keyframe, so all keyframes together hold few blocks.
 */
#include "replay/course_private.h"

#include <stdio.h>
#include <stdlib.h>

#include "format/event.h"
#include "replay/heap_keyframe.h"

#define KEYFRAMES_MIN 6u
#define EXPECTED 64u
#define PROGRESS_EVENTS 65536u
#define UNSEEN_BIN (COURSE_BINS * 4 / 5) /* a process whose last keyframe lies before it, in events and time, is not judged */

static int new_heap(const struct course_reading *r, const struct heap_observer *o, struct heap **ret)
{
	const int err = heap_new(ret, 1, o);

	if (err)
		return err;
	heap_set_page_bytes(*ret, r->capture->header.page_bytes);
	heap_set_sampling(*ret, r->capture->header.sample_bytes);
	heap_keep_sums_only(*ret);
	return 0;
}

/* ---- replay ---- */

static int apply(struct course_reading *r, struct heap *h, const struct trk_event *e)
{
	struct course *const t = r->course;
	struct course_process *const p = &t->processes[e->process];
	int err;

	p->seen = true;
	course_move(t, e->process, p->event, e->time_ns);
	err = heap_apply(h, e);
	p->event++;
	if (trk_kind_wipes(e->kind))
		p->first = p->tick;
	return err;
}

/* Replays from block `first` on; `applied` events were before it. */
static int replay(struct course_reading *r, struct heap *h, uint32_t first, uint64_t applied)
{
	const struct course_options *const o = r->options;
	uint64_t told = applied;
	const struct trk_event *e;
	struct cursor *k = NULL;
	size_t n;
	int err = cursor_open_at(&k, r->capture, o->process, first);

	while (!err && applied < r->to_applied && (err = cursor_batch(k, &e, &n)) == 0) {
		for (size_t i = 0; i < n && !err && applied < r->to_applied; i++, applied++) {
			if (i % EXPECTED == 0)
				heap_expect(h, &e[i], n - i < EXPECTED ? (uint32_t)(n - i) : EXPECTED);
			err = apply(r, h, &e[i]);
		}
		if (o->progress && applied >= told + PROGRESS_EVENTS) {
			o->progress(o->progress_data, applied);
			told = applied;
		}
	}
	cursor_close(k);
	r->course->lost = heap_totals(h)->lost;
	for (uint32_t i = 0; i < r->course->process_count; i++)
		if (r->course->processes[i].exact < COURSE_TICKS)
			course_move(r->course, i, r->course->processes[i].to_event, r->course->processes[i].to_ns);
	return err == TRK_END ? 0 : err;
}

static int replay_all(struct course_reading *r)
{
	const struct heap_observer observer = course_observer(r);
	struct heap *h = NULL;
	int err = new_heap(r, &observer, &h);

	for (uint32_t i = 0; i < r->course->process_count; i++) {
		course_move(r->course, i, 0, 0);
		r->course->processes[i].here = true;
		r->course->processes[i].last_keyframe = 0; /* the one with which the capture may begin */
	}
	if (!err)
		err = heap_keyframe_begin(r->capture, r->options->process, h);
	if (!err)
		err = replay(r, h, 0, 0);
	heap_free(h);
	return err;
}

/* ---- keyframes ---- */

static bool lives(const struct course_reading *r, uint32_t process, uint64_t time_ns)
{
	return r->capture->processes[process].start_ns <= time_ns && time_ns < r->course->processes[process].to_ns;
}

/* The keyframes to read, in order; the last is the one behind which events are replayed. */
static uint32_t choose(const struct course_reading *r, uint32_t *ret)
{
	const struct capture *const c = r->capture;
	const struct course *const t = r->course;
	uint32_t count = 0, tick = COURSE_TICKS;

	for (uint32_t i = 0; i < c->keyframe_count; i++) {
		const struct cap_keyframe *const k = &c->keyframes[i];
		const uint32_t now = course_bin(k->time_ns, t->from_ns, t->to_ns) + course_bin(k->events, 0, c->event_count);

		if (k->begins || k->time_ns >= t->to_ns || (r->to_applied != UINT64_MAX && k->events > r->to_applied))
			continue;
		ret[now == tick ? count - 1 : count++] = i;
		tick = now;
	}
	return count;
}

/* The processes go to the place of keyframe `index`, all of them by its time. */
static void go_to(struct course_reading *r, uint32_t index, bool *begins)
{
	struct course *const t = r->course;
	const uint64_t time_ns = r->capture->keyframes[index].time_ns;

	r->keyframe = index;
	for (uint32_t i = 0; i < t->process_count; i++) {
		struct course_process *const p = &t->processes[i];
		uint32_t bin = 0;

		p->here = lives(r, i, time_ns);
		if (!p->here)
			continue;
		while (bin + 1 < COURSE_BINS && r->edges[i][bin + 1] <= time_ns)
			bin++;
		course_go(p, bin, course_bin(time_ns, p->from_ns, p->to_ns));
		course_clear_tick(t, i);
		p->last_keyframe = begins[i] ? index : p->last_keyframe;
		if (p->early == COURSE_TICKS && course_is_late(p, p->tick)) {
			p->early = p->tick;
			p->early_keyframe = index;
		}
	}
}

/* Which process is in keyframe `index` for the last time; `next`: the one that is read after it, or COURSE_NONE. */
static void find_last(const struct course_reading *r, uint32_t index, uint32_t next, bool *ret)
{
	const struct cap_keyframe *const k = r->capture->keyframes;

	for (uint32_t i = 0; i < r->course->process_count; i++)
		ret[i] = lives(r, i, k[index].time_ns) && (next == COURSE_NONE || !lives(r, i, k[next].time_ns));
}

static int read_keyframe(struct course_reading *r, uint32_t index)
{
	const struct heap_observer observer = course_keyframe_observer(r);
	struct heap_keyframe_state state;
	struct heap *h = NULL;
	int err = new_heap(r, &observer, &h);

	if (!err)
		err = heap_keyframe_restore(r->capture, index, r->options->process, h, &state);
	heap_free(h);
	return err;
}

/* Each process goes on with the events behind the keyframe. */
static void begin_tail(struct course_reading *r, uint32_t index)
{
	const struct capture *const c = r->capture;
	struct course *const t = r->course;

	for (uint32_t i = 0; i < c->keyframes[index].first_block; i++)
		t->processes[c->blocks[i].process].event += c->blocks[i].items;
	for (uint32_t i = 0; i < t->process_count; i++) {
		struct course_process *const p = &t->processes[i];
		const bool over = p->to_ns <= c->keyframes[index].time_ns;
		const uint8_t tick = p->tick;

		p->seen = p->to_event > p->from_event;
		p->exact = over ? COURSE_TICKS : p->tick;
		p->unseen_end = over && p->event_bin[tick] < UNSEEN_BIN && tick < UNSEEN_BIN + p->event_bin[tick];
	}
}

static int read_tail(struct course_reading *r, uint32_t index)
{
	const struct heap_observer observer = course_observer(r);
	struct heap_keyframe_state state;
	struct heap *h = NULL;
	int err = new_heap(r, &observer, &h);

	begin_tail(r, index);
	if (!err)
		err = heap_keyframe_restore(r->capture, index, r->options->process, h, &state);
	if (!err)
		err = replay(r, h, r->capture->keyframes[index].first_block, state.events);
	heap_free(h);
	return err;
}

static int read_keyframes(struct course_reading *r, const uint32_t *chosen, uint32_t count)
{
	bool *const last = calloc((size_t)r->course->process_count + 1, sizeof(*last));
	int err = last ? course_edges(r) : TRK_ERR_NOMEM;

	for (uint32_t i = 0; i < r->course->process_count; i++)
		r->course->processes[i].exact = COURSE_TICKS;
	for (uint32_t i = 0; i < count && !err; i++) {
		find_last(r, chosen[i], i + 1 < count ? chosen[i + 1] : COURSE_NONE, last);
		go_to(r, chosen[i], last);
		err = i + 1 < count ? read_keyframe(r, chosen[i]) : read_tail(r, chosen[i]);
	}
	r->course->keyframes = count;
	free(last);
	free(r->edges);
	r->edges = NULL;
	return err;
}

/* ---- the whole ---- */

static int begin(struct course_reading *r, bool exactly, struct trk_fault *fault)
{
	struct course *const t = r->course;
	const struct capture *const c = r->capture;

	course_finish(t);
	t->process_count = c->process_count;
	t->processes = calloc((size_t)c->process_count + 1, sizeof(*t->processes));
	t->last_site = calloc((size_t)c->node_count + 1, sizeof(*t->last_site));
	if (!t->processes || !t->last_site)
		return TRK_ERR_NOMEM;
	for (uint32_t i = 0; i < t->process_count; i++) {
		t->processes[i].sites = COURSE_NONE;
		t->processes[i].early = COURSE_TICKS;
		t->processes[i].last_keyframe = t->processes[i].early_keyframe = COURSE_NONE;
	}
	return course_span(r, exactly, fault);
}

/* In the blocks from `first` on, up to the end of the run. */
static uint64_t events_from(const struct course_reading *r, uint32_t first)
{
	const struct capture *const c = r->capture;
	uint64_t events = 0;

	for (uint32_t i = first; i < c->block_count; i++)
		if (course_is_of(r, &c->blocks[i]))
			events += r->course->to_ns ? course_within(&c->blocks[i], r->course->to_ns) : c->blocks[i].items;
	return events;
}

/* The last keyframe before the run, if so few events come behind it that they can be replayed; COURSE_NONE. */
static uint32_t find_before(const struct course_reading *r)
{
	const struct capture *const c = r->capture;
	uint32_t last = COURSE_NONE;

	for (uint32_t i = 0; i < c->keyframe_count && c->keyframes[i].time_ns < r->course->from_ns; i++)
		last = c->keyframes[i].begins ? last : i;
	return last != COURSE_NONE && events_from(r, c->keyframes[last].first_block) <= r->options->replay_most ? last : COURSE_NONE;
}

static int read_chosen(struct course_reading *r, uint32_t *chosen)
{
	const uint32_t before = find_before(r);
	uint32_t count;
	int err;

	if (before == COURSE_NONE) {
		count = choose(r, chosen);
		return count < KEYFRAMES_MIN ? TRK_ERR_CORRUPT : read_keyframes(r, chosen, count);
	}
	err = read_keyframes(r, &before, 1);
	r->course->keyframes = 0; /* all events of the run were read */
	return err;
}

/* TRK_ERR_CORRUPT: it cannot be done, and everything must be replayed. */
static int read_quickly(struct course_reading *r, struct trk_fault *fault)
{
	const struct capture *const c = r->capture;
	uint32_t *chosen;
	int err;

	if (c->header.sample_bytes || events_from(r, 0) <= r->options->replay_most || c->keyframe_count < KEYFRAMES_MIN)
		return TRK_ERR_CORRUPT;
	err = begin(r, false, fault);
	chosen = calloc((size_t)c->keyframe_count + 1, sizeof(*chosen));
	if (!err)
		err = chosen ? read_chosen(r, chosen) : TRK_ERR_NOMEM;
	free(chosen);
	return err;
}

int course_read(struct course *ret, struct capture *c, const struct course_options *o, struct trk_fault *fault)
{
	struct course t = { 0 };
	struct course_reading r = { .course = &t, .capture = c, .options = o };
	int err;

	*fault = (struct trk_fault){ 0 };
	err = read_quickly(&r, fault);
	if (err == TRK_ERR_CORRUPT) {
		err = begin(&r, true, fault);
		if (!err)
			err = replay_all(&r);
	}
	if (!err && t.no_memory)
		err = TRK_ERR_NOMEM;
	if (!err) {
		*ret = t;
		return 0;
	}
	course_finish(&t);
	if (!fault->code) {
		fault->code = err;
		snprintf(fault->why, sizeof(fault->why), "%s", capture_why(c, err));
	}
	return err;
}
