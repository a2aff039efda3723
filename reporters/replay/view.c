/*
 * view - one pass over the events: the heap applies them, view_observe.c watches and sums, view_answer.c reads the sums. Only a range that begins or
 * ends at the peak takes another pass before it, to find the peak if the capture does not say where it is.
 *
 * A quick pass begins at a keyframe and ends at the point. If it ends with an error, the question is asked again of
 * all events.
 */
#include "replay/view_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/event.h"
#include "replay/seek.h"
#include "replay/view_sums.h"

#define PROGRESS_EVENTS 65536u

/* ---- ends of processes ---- */

/* The blocks that it still holds are leaked, and no longer part of what is live at one time. */
static void end_process(struct tally *t, uint32_t process)
{
	const bool live = t->options->what == VIEW_LIVE || t->options->what == VIEW_LEAKS;

	heap_end_process(t->heap, process);
	if (t->live.ended)
		t->live.ended[process] = true;
	if (t->has_span)
		span_end_process(&t->span, process);
	for (uint32_t i = t->rows_of_process[process]; live && i; i = t->rows.all[i - 1].next) {
		struct row *row = rows_touch(&t->rows, i - 1);

		row->left_bytes += row->bytes;
		row->left_count += row->count;
		row->bytes = 0;
		row->count = 0;
		if (t->rows.errors) {
			struct row_error *const e = &t->rows.errors[i - 1];

			sampling_join(&e->left, &e->now);
			e->now = (struct sampling_error){ 0 };
		}
	}
}

static inline void end_processes_before(struct tally *t, uint64_t time_ns)
{
	const struct process_end *end;

	while ((end = process_ends_take_before(&t->ends, time_ns)))
		end_process(t, end->process);
}

/* ---- points ---- */

static void note_mark(struct tally *t, const struct trk_event *e)
{
	const size_t used = strlen(t->marks);
	const int bytes = e->label_bytes < 40 ? (int)e->label_bytes : 40;

	if (used + (size_t)bytes + 3 < sizeof(t->marks))
		snprintf(t->marks + used, sizeof(t->marks) - used, "%s%.*s", used ? ", " : "",
			 bytes, e->label);
}

/* Ends the processes that are over at a point: the next event may come long after it. */
static void end_processes_at(struct tally *t, const struct stop *s, uint64_t event_ns)
{
	const uint64_t time_ns = s->point.number;

	if (s->point.kind == POINT_TIME)
		end_processes_before(t, time_ns < UINT64_MAX ? time_ns + 1 : time_ns);
	else if (s->point.kind == POINT_MARK || s->point.kind == POINT_NTH_MARK)
		end_processes_before(t, event_ns);
}

static void look_for_points(struct tally *t, const struct trk_event *e)
{
	if (e->kind == TRK_MARK)
		note_mark(t, e);
	if (t->has_from && stop_step(&t->from, e, t->applied)) {
		t->from.met = true;
		t->from.met_at = t->applied;
		t->has_from = false;
		t->in_range = true;
		t->counting = true;
	}
	if (t->has_to && stop_step(&t->to, e, t->applied)) {
		end_processes_at(t, &t->to, e->time_ns);
		t->to.met = true;
		t->to.met_at = t->applied;
		t->to.time_ns = e->time_ns;
		t->has_to = false;
		if (t->options->what == VIEW_LEAKS) { /* what becomes of the blocks until then is still to be seen */
			t->counting = false;
			return;
		}
		t->stopped = t->options->spanned || t->quick;
		if (t->options->blocks && live_collect(&t->live, t->heap, ROWS_NONE) != 0)
			t->no_memory = true;
		rows_keep(&t->rows);
	}
}

/* ---- the pass ---- */

#define EXPECTED 64u /* events whose blocks are fetched at once */

/* Whether nothing but events happens up to `last`: no point, no end and no border of a region is among them. */
static bool is_plain(const struct tally *t, const struct trk_event *last)
{
	return !t->types.births && !t->has_from && !t->has_to && !t->stopped && !t->span.region &&
	       !process_ends_are_before(&t->ends, last->time_ns);
}

static int apply_each(struct tally *t, const struct trk_event *e, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		int err;

		if (t->has_from || t->has_to)
			look_for_points(t, &e[i]);
		if (t->stopped)
			return TRK_END;
		end_processes_before(t, e[i].time_ns);
		if (t->span.region)
			t->counting = span_step(&t->span, &e[i]) && t->in_range;
		err = heap_apply(t->heap, &e[i]);
		if (err)
			return err;
		if (e[i].kind == TRK_ANNOTATE && t->types.births)
			view_types_annotate(t, &e[i]);
		t->applied++;
	}
	return 0;
}

static int apply_some(struct tally *t, const struct trk_event *e, uint32_t n)
{
	if (!is_plain(t, &e[n - 1]))
		return apply_each(t, e, n);
	t->applied += n;
	return heap_apply_all(t->heap, e, n);
}

static int apply_batch(struct tally *t, const struct trk_event *e, size_t n)
{
	for (size_t i = 0; i < n; i += EXPECTED) {
		const uint32_t some = n - i < EXPECTED ? (uint32_t)(n - i) : EXPECTED;
		int err;

		heap_expect(t->heap, &e[i], some);
		err = apply_some(t, &e[i], some);
		if (err)
			return err;
	}
	return t->no_memory || t->span.no_memory ? TRK_ERR_NOMEM : 0;
}

static int pass(struct tally *t)
{
	const struct view_options *o = t->options;
	const struct trk_event *e;
	uint64_t next_progress = PROGRESS_EVENTS;
	struct cursor *k = NULL;
	uint32_t first;
	size_t n;
	int err = seek_begin(t->capture, &(struct seek){ t->keyframe, o->process, { &t->to, &t->from } },
			     t->heap, &t->applied, &first);

	if (!err)
		err = cursor_open_at(&k, t->capture, o->process, first);

	while (!err && (err = cursor_batch(k, &e, &n)) == 0) {
		err = apply_batch(t, e, n);
		if (o->progress && t->applied >= next_progress) {
			o->progress(o->progress_data, t->applied);
			next_progress = t->applied + PROGRESS_EVENTS;
		}
	}
	cursor_close(k);
	if (t->has_to && t->to.point.kind == POINT_TIME)
		end_processes_at(t, &t->to, 0);
	if (err && err != TRK_END)
		return err;
	return t->no_memory || t->span.no_memory ? TRK_ERR_NOMEM : 0; /* the batch in which the last point was found, too */
}

static void tally_finish(struct tally *t)
{
	heap_free(t->heap);
	rows_finish(&t->rows);
	rows_finish(&t->temporary);
	sizes_free(t->sizes);
	span_finish(&t->span);
	live_finish(&t->live);
	view_types_finish(&t->types);
	free(t->rows_of_process);
	free(t->last_row);
	process_ends_finish(&t->ends);
}

static int tally_init(struct tally *t, struct capture *c, const struct view_options *o,
		      bool watch)
{
	struct heap_observer observer;
	int err;

	*t = (struct tally){
		.capture = c,
		.options = o,
		.in_range = true,
		.counting = true,
		.rows.sampled = c->header.sample_bytes != 0,
		.temporary.sampled = c->header.sample_bytes != 0,
		.keyframe = SEEK_NONE,
	};
	t->has_span = o->region || o->counts || (o->spanned && o->at.is_range && o->what != VIEW_LEAKS);
	observer = view_observer(t);
	t->rows_of_process = calloc((size_t)c->process_count + 1, sizeof(*t->rows_of_process));
	if (o->sizes)
		t->sizes = calloc(1, sizeof(*t->sizes));
	t->last_row = calloc((size_t)c->node_count + 1, sizeof(*t->last_row));
	if (!t->rows_of_process || !t->last_row || (o->sizes && !t->sizes))
		return TRK_ERR_NOMEM;
	err = process_ends_init(&t->ends, c);
	if (!err && o->typed && watch && o->what != VIEW_TEMPORARY && !t->has_span)
		err = view_types_init(t);
	if (!err && o->blocks)
		err = live_init(&t->live, c->process_count);
	if (!err && t->has_span)
		err = span_init(&t->span, o->region, c->thread_count, c->process_count);
	if (!err)
		err = heap_new(&t->heap, o->what == VIEW_TEMPORARY || o->temporary ? o->threshold : 1,
			       watch ? &observer : NULL);
	if (!err)
		heap_set_page_bytes(t->heap, c->header.page_bytes);
	if (!err)
		heap_set_sampling(t->heap, c->header.sample_bytes);
	if (!err && !o->blocks && !t->has_span && !t->types.births)
		heap_keep_sums_only(t->heap);
	return err;
}

/* Number of events up to and including the peak, and its time. */
static int find_peak(const struct tally *asker, uint64_t *ret_event, uint64_t *ret_ns)
{
	struct capture *const c = asker->capture;
	struct tally t;
	int err;

	if (asker->quick && seek_knows_peak(c, asker->options->process, ret_event, ret_ns))
		return 0;
	err = tally_init(&t, c, asker->options, false);
	if (!err)
		err = pass(&t);
	if (!err) {
		*ret_event = heap_totals(t.heap)->peak_event;
		*ret_ns = heap_totals(t.heap)->peak_time_ns;
	}
	tally_finish(&t);
	return err;
}

static int set_points(struct tally *t)
{
	const struct point_range *at = &t->options->at;
	const struct point *last = at->is_range ? &at->to : &at->from;
	uint64_t peak_event = 0;
	int err = 0;

	if (t->options->what != VIEW_LIVE && !t->options->spanned)
		return 0;
	/* A copy, or a stop, at the peak must know where the peak is. */
	t->follow_peak = !at->is_range && at->from.kind == POINT_PEAK && !t->options->spanned &&
			 !t->options->blocks &&
			 !(t->quick && seek_knows_peak(t->capture, t->options->process, &peak_event,
						       &t->peak_time_ns));
	if (t->follow_peak)
		return 0;
	if (at->from.kind == POINT_PEAK || (at->is_range && at->to.kind == POINT_PEAK))
		err = find_peak(t, &peak_event, &t->peak_time_ns);
	if (err)
		return err;
	stop_set(&t->to, last, t->capture, t->options->process, peak_event);
	t->has_to = last->kind != POINT_END;
	t->from.point.kind = POINT_END;
	if (at->is_range) {
		stop_set(&t->from, &at->from, t->capture, t->options->process, peak_event);
		t->has_from = true;
		t->in_range = false;
		t->counting = false;
	}
	return t->quick ? seek_choose(t->capture, &(struct seek){ 0, t->options->process, { &t->to, &t->from } },
				      &t->keyframe) :
			  0;
}

static int refuse(struct trk_fault *fault, const char *why)
{
	*fault = (struct trk_fault){ .code = TRK_ERR_ARG };
	snprintf(fault->why, sizeof(fault->why), "%s", why);
	return TRK_ERR_ARG;
}

static int check_points(const struct tally *t, struct trk_fault *fault)
{
	const uint64_t end = capture_end(t->capture);
	int err;

	err = t->span.region ? span_check(&t->span, fault) : 0;
	if (err)
		return err;
	if ((t->options->what != VIEW_LIVE && !t->options->spanned) || t->follow_peak)
		return 0;
	err = stop_check(&t->to, end, t->marks, fault);
	if (!err && t->options->at.is_range)
		err = stop_check(&t->from, end, t->marks, fault);
	if (!err && t->options->at.is_range && t->to.met &&
	    (!t->from.met || t->from.met_at > t->to.met_at))
		return refuse(fault, "the range ends before it begins");
	return err;
}

/* ---- the whole ---- */

static int view_of_events(struct capture *c, const struct view_options *o, bool quick,
			  struct view *v, struct trk_fault *fault)
{
	struct tally t;
	int err = tally_init(&t, c, o, true);

	t.quick = quick;
	if (!err)
		err = set_points(&t);
	if (!err)
		err = pass(&t);
	if (!err)
		err = check_points(&t, fault);
	if (!err)
		err = view_answer(&t, v);
	tally_finish(&t);
	return err;
}

/* The same as collect_others of sums, which are there without a pass. */
static int others_of_sums(const struct capture *c, const struct view_options *o, struct trk_fault *fault)
{
	struct view_options other = *o;
	int err = 0;

	other.what = VIEW_LEAKS;
	if (o->leaks)
		err = view_of_sums(c, &other, o->leaks, fault);
	other.what = VIEW_TEMPORARY;
	if (o->temporary && !err)
		err = view_of_sums(c, &other, o->temporary, fault);
	return err;
}

/* Answers quickly if that is possible. If that ends with an error, asks again of all events. */
static int view_of(struct capture *c, const struct view_options *o, struct view *v,
		   struct trk_fault *fault)
{
	int err = TRK_ERR_CORRUPT;

	if (capture_is_aggregated(c)) {
		err = view_of_sums(c, o, v, fault);
		return err ? err : others_of_sums(c, o, fault);
	}
	if (!o->typed && !o->leaks && !o->temporary && seek_answers(c, o))
		err = view_of_events(c, o, true, v, fault);
	if (err == 0 || err == TRK_ERR_NOMEM)
		return err;
	view_finish(v);
	*fault = (struct trk_fault){ 0 };
	return view_of_events(c, o, false, v, fault);
}

int view_build(struct capture *c, const struct view_options *o, struct view *ret,
	       struct trk_fault *fault)
{
	struct view v = { 0 };
	int err;

	*fault = (struct trk_fault){ 0 };
	err = view_of(c, o, &v, fault);
	if (err) {
		view_finish(&v);
		if (!fault->code) {
			fault->code = err;
			snprintf(fault->why, sizeof(fault->why), "%s", capture_why(c, err));
		}
		return err;
	}
	*ret = v;
	return 0;
}
