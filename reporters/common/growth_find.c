/* growth_find - growth in a capture that holds events; see growth.h. */
#include "common/growth.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/group.h"
#include "common/growth_private.h"
#include "format/array.h"
#include "format/mix.h"
#include "replay/course.h"

#define MARKS_MIN 10u
#define SHORT 20 /* a process that had less than this part of the run */

/* ---- places ---- */

#define NO_PLACE UINT32_MAX /* the stack does not pass the filters */

struct places {
	struct report *report;
	char **texts;
	uint32_t *of_node; /* place + 1; 0: not known yet */
	uint32_t count, room;
	struct idmap by_text; /* places, from 1 */
};

static int add_place(struct places *p, const char *text, uint32_t *ret)
{
	const uint32_t hash = (uint32_t)trk_mix_bytes(text, strlen(text));
	uint32_t at = hash, id;

	while ((id = idmap_next(&p->by_text, hash, &at)))
		if (strcmp(p->texts[id - 1], text) == 0)
			break;
	if (!id) {
		if (!idmap_reserve(&p->by_text) || !ARRAY_ROOM(p->texts, p->room, (size_t)p->count + 1, 128))
			return TRK_ERR_NOMEM;
		p->texts[p->count] = strdup(text);
		if (!p->texts[p->count])
			return TRK_ERR_NOMEM;
		id = ++p->count;
		idmap_add(&p->by_text, hash, id);
	}
	*ret = id;
	return 0;
}

/* The place of a site, from 1; NO_PLACE: the filters leave it out. TRK_ERR_NOMEM. */
static int place_of(struct places *p, const struct course_site *s, uint32_t *ret)
{
	const uint32_t node = s->node;
	size_t n;
	const struct source_frame *const frames = group_frames(p->report->stacks, node, &n);
	char *text;
	int err = 0;

	*ret = NO_PLACE;
	if (!filters_pass(&p->report->filters, frames, n, s->process, s->domain))
		return 0;
	if (!p->of_node[node]) {
		if (asprintf(&text, "%s:%s:%u:%d", frames->function, frames->file, (unsigned)frames->line,
			     frames->has_source || *frames->function ? 0 : (int)frames->frame) < 0)
			return TRK_ERR_NOMEM;
		err = add_place(p, text, &p->of_node[node]);
		free(text);
	}
	*ret = p->of_node[node];
	return err;
}

static void places_finish(struct places *p)
{
	for (uint32_t i = 0; i < p->count; i++)
		free(p->texts[i]);
	free(p->texts);
	free(p->of_node);
	idmap_finish(&p->by_text);
}

/* ---- series ---- */

/* The course of a site to the end, or (early) to the early tick. False: there is none. */
static bool series_of(const struct course *t, const struct course_site *s, bool early, struct rise_series *ret)
{
	const struct course_process *const p = &t->processes[s->process];
	const struct course_step *steps[COURSE_TICKS] = { 0 };
	const uint32_t last = early ? p->early : p->tick;
	uint64_t level = 0;

	if (last >= COURSE_TICKS || last <= p->first)
		return false;
	for (uint32_t i = s->last; i != COURSE_NONE; i = t->steps[i].before)
		steps[t->steps[i].tick] = &t->steps[i];
	ret->count = 0;
	for (uint32_t tick = p->first; tick <= last; tick++) {
		const bool is_before = early && tick == p->early && p->early_keyframe == COURSE_NONE;
		const struct course_step *const step = is_before ? NULL : steps[tick];
		struct rise_point *const to = &ret->points[ret->count];
		uint64_t low = level;

		if (step || tick <= p->exact)
			level = step ? step->level : 0;
		if (step && step->low < low)
			low = step->low;
		if (!p->met[tick])
			continue;
		*to = (struct rise_point){
			.bin = { [RISE_TIME] = (uint8_t)(tick - p->event_bin[tick]), [RISE_EVENTS] = p->event_bin[tick] },
			.has_level = tick >= p->exact || p->sampled[tick],
			.level = level,
			.low = tick <= p->exact || level < low ? level : low,
		};
		if (step) {
			to->kept = early ? step->early : step->kept;
			to->kept_count = early ? step->early_count : step->kept_count;
		}
		ret->count++;
	}
	ret->seconds = (double)(p->to_ns - p->from_ns) / 1e9;
	return ret->count > 1;
}

/* Of what was judged, the part that the series is. */
static double part_of(const struct rise_series *s, enum rise_axis axis)
{
	return (s->points[s->count - 1].bin[axis] + 1.0 - s->points[0].bin[axis]) / COURSE_BINS;
}

/* ---- rows ---- */

/* A stack of a process, or what is left of a place in a process. */
struct judged {
	uint32_t site, place, process;
	struct rise rise;
	bool early;
	double per_second, per_event;
};

struct finding {
	struct growth *growth;
	struct course course;
	struct places places;
	struct judged *all; /* by process and place; each site, or those that are left */
	size_t count;
};

/* Blocks that were seen being freed: while events were replayed, or because they lived early and not at the end. */
static uint64_t freed_of(const struct course *t, const struct course_site *s)
{
	uint64_t gone = 0;

	if (!t->keyframes)
		return s->freed;
	for (uint32_t i = s->last; i != COURSE_NONE; i = t->steps[i].before)
		if (t->steps[i].early_count > t->steps[i].kept_count)
			gone += t->steps[i].early_count - t->steps[i].kept_count;
	return s->freed > gone ? s->freed : gone;
}

static void weigh(const struct course *t, struct rise_series *s, struct judged *j)
{
	const struct course_process *const p = &t->processes[j->process];
	const double events = (double)(p->to_event - p->from_event) * part_of(s, RISE_EVENTS);

	s->after = s->seconds * (COURSE_BINS - 1 - s->points[s->count - 1].bin[RISE_TIME]) / COURSE_BINS;
	s->seconds *= part_of(s, RISE_TIME);
	rise_judge(s, &j->rise);
	j->per_second = s->seconds > 0 ? (double)j->rise.bytes / s->seconds : 0;
	j->per_event = events > 0 ? (double)j->rise.bytes / events : 0;
}

/* The sum of the sites of one place in one process, `count` from `from` on: of all, or of those that do not grow. */
static bool sum_of(const struct course *t, const struct judged *from, size_t count, bool all, bool early, struct rise_series *ret)
{
	struct rise_series one;
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		if ((!all && from[i].rise.kind) || !series_of(t, &t->sites[from[i].site], early, any ? &one : ret))
			continue;
		if (any)
			rise_add(ret, &one);
		any = true;
	}
	return any;
}

/* The same, to the end or else to nine tenths of the run. */
static void judge(const struct course *t, const struct judged *from, size_t count, struct judged *ret)
{
	for (int early = 0; early < 2 && !ret->rise.kind; early++) {
		const bool was_idle = ret->rise.was_idle;
		struct rise_series sum;

		if (!sum_of(t, from, count, false, early, &sum))
			continue;
		weigh(t, &sum, ret);
		ret->rise.was_idle |= was_idle;
		ret->early = early;
	}
}

/* A stack whose blocks are freed, too, does not grow if its place does not: others make room for it. */
static void doubt(const struct course *t, struct judged *all, size_t count)
{
	struct rise_series sums[2]; /* to the end, to nine tenths */
	bool known[2] = { 0 };

	for (size_t i = 0; i < count && count > 1; i++) {
		const bool early = all[i].early;

		if (!all[i].rise.kind || all[i].rise.kind == RISE_DOUBLING || !freed_of(t, &t->sites[all[i].site]))
			continue;
		if (!known[early])
			known[early] = sum_of(t, all, count, true, early, &sums[early]);
		if (!rise_is_borne_out(&all[i].rise, &sums[early]))
			all[i].rise.kind = RISE_NONE;
	}
}

static int by_place(const void *a, const void *b)
{
	const struct judged *const x = a, *const y = b;

	if (x->process != y->process)
		return x->process < y->process ? -1 : 1;
	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	return x->site < y->site ? -1 : x->site > y->site;
}

static int by_place_first(const void *a, const void *b)
{
	const struct judged *const x = a, *const y = b;

	return x->place != y->place ? (x->place < y->place ? -1 : 1) : by_place(a, b);
}

/* What is left of a place is one growth: each of its stacks gets a share by what it holds. */
static void judge_rest(const struct course *t, struct judged *from, size_t count)
{
	struct judged rest = { .process = from->process };
	size_t left = 0;

	for (size_t i = 0; i < count; i++)
		left += !from[i].rise.kind;
	if (left < 2)
		return;
	judge(t, from, count, &rest);
	if (!rest.rise.kind)
		return;
	for (size_t i = 0; i < count; i++) {
		if (from[i].rise.kind)
			continue;
		from[i].rise = rest.rise;
		from[i].early = rest.early;
		from[i].per_second = rest.per_second / (double)left;
		from[i].per_event = rest.per_event / (double)left;
	}
}

/*
 * Of several processes, one that ended, and had a small part of the time and of the events: it did little but start, and
 * what it held was given back.
 */
static bool is_short(const struct finding *f, uint32_t process)
{
	const struct course *const t = &f->course;
	const struct course_process *const p = &t->processes[process];
	const struct report *const r = f->places.report;

	return r->process == UINT32_MAX && p->to_ns < t->to_ns && (p->to_ns - p->from_ns) < (t->to_ns - t->from_ns) / SHORT &&
	       p->to_event - p->from_event < f->growth->events / SHORT;
}

static int judge_all(struct finding *f)
{
	const struct course *const t = &f->course;
	int err = 0;

	f->all = calloc((size_t)t->site_count + 1, sizeof(*f->all));
	if (!f->all)
		return TRK_ERR_NOMEM;
	for (uint32_t i = 0; i < t->site_count && !err; i++) {
		const struct course_site *const s = &t->sites[i];
		struct judged *const j = &f->all[f->count];

		if ((!s->bytes && !s->early_bytes) || t->processes[s->process].unseen_end || is_short(f, s->process))
			continue;
		*j = (struct judged){ .site = i, .process = s->process };
		err = place_of(&f->places, s, &j->place);
		f->count += !err && j->place != NO_PLACE;
	}
	qsort(f->all, f->count, sizeof(*f->all), by_place);
	for (size_t i = 0, next; i < f->count && !err; i = next) {
		for (next = i; next < f->count && f->all[next].place == f->all[i].place && f->all[next].process == f->all[i].process; next++)
			judge(t, &f->all[next], 1, &f->all[next]);
		doubt(t, &f->all[i], next - i);
		judge_rest(t, &f->all[i], next - i);
	}
	return err;
}

/* The stack that stands for the row is the one that grows most; of those that were judged together, the one that holds most. */
struct most {
	double per_event;
	uint64_t bytes;
};

static void add_to_row(const struct course *t, const struct judged *j, struct growth_row *row, struct most *most)
{
	const struct course_site *const s = &t->sites[j->site];

	if (!row->stacks || j->per_event > most->per_event || (j->per_event == most->per_event && s->bytes > most->bytes)) {
		*most = (struct most){ j->per_event, s->bytes };
		row->node = s->node;
		row->kind = j->rise.kind;
		row->last = j->rise.last;
		row->given_back = j->early && s->bytes < s->early_bytes / 2;
		row->processes += !row->stacks || row->process != j->process;
	} else {
		row->processes += row->process != j->process;
	}
	row->process = j->process;
	row->stacks++;
	row->per_second += j->per_second;
	row->per_event += j->per_event;
	row->bytes += j->early ? s->early_bytes : s->bytes;
	row->count += j->early ? s->early_count : s->count;
	row->freed += freed_of(t, s);
	sampling_join(&row->error, &s->error);
}

static int by_growth(const void *a, const void *b)
{
	const struct growth_row *const x = a, *const y = b;

	if (x->per_second != y->per_second)
		return x->per_second < y->per_second ? 1 : -1;
	if (x->bytes != y->bytes)
		return x->bytes < y->bytes ? 1 : -1;
	return x->node < y->node ? -1 : x->node > y->node;
}

int growth_add_row(struct growth *g, const struct growth_row *row)
{
	if (!ARRAY_ROOM(g->rows, g->row_room, g->row_count + 1, 16))
		return TRK_ERR_NOMEM;
	g->rows[g->row_count++] = *row;
	return 0;
}

void growth_sum(struct growth *g)
{
	if (g->row_count)
		qsort(g->rows, g->row_count, sizeof(*g->rows), by_growth);
	for (size_t i = 0; i < g->row_count; i++) {
		g->per_second += g->rows[i].per_second;
		g->per_event += g->rows[i].per_event;
		g->bytes += g->rows[i].bytes;
		g->count += g->rows[i].count;
		sampling_join(&g->error, &g->rows[i].error);
	}
}

static int make_rows(struct finding *f)
{
	struct growth *const g = f->growth;
	int err = 0;

	qsort(f->all, f->count, sizeof(*f->all), by_place_first);
	for (size_t i = 0, next; i < f->count && !err; i = next) {
		struct growth_row row = { 0 };
		struct most most = { 0 };

		for (next = i; next < f->count && f->all[next].place == f->all[i].place; next++) {
			if (f->all[next].rise.kind)
				add_to_row(&f->course, &f->all[next], &row, &most);
			g->idle += f->all[next].rise.was_idle;
		}
		if (row.stacks)
			err = growth_add_row(g, &row);
	}
	growth_sum(g);
	return err;
}

/* ---- the whole ---- */

static bool is_in(const struct growth *g, const struct cap_mark *m, const struct report *r)
{
	return m->time_ns >= g->from_ns && m->time_ns <= g->to_ns && (r->process == UINT32_MAX || r->process == m->process);
}

/* The label of most marks. Programs have few labels, and the list of marks stands in memory. */
static void find_mark(struct growth *g, const struct report *r)
{
	const struct capture *const c = r->capture;

	for (uint32_t i = 0; i < c->mark_count && i < 64; i++) {
		uint64_t n = 0;

		for (uint32_t k = 0; k < c->mark_count; k++)
			n += is_in(g, &c->marks[k], r) && c->marks[k].label_bytes == c->marks[i].label_bytes &&
			     memcmp(c->marks[k].label, c->marks[i].label, c->marks[i].label_bytes) == 0;
		if (n >= MARKS_MIN && n > g->marks) {
			g->marks = n;
			g->mark = c->marks[i].label;
			g->mark_bytes = c->marks[i].label_bytes;
		}
	}
}

static void tell_span(struct finding *f)
{
	struct growth *const g = f->growth;

	g->from_ns = f->course.from_ns;
	g->to_ns = f->course.to_ns;
	g->live_sets = f->course.keyframes;
	g->exact = !f->course.keyframes;
	for (uint32_t i = 0; i < f->course.process_count; i++) {
		g->events += f->course.processes[i].to_event - f->course.processes[i].from_event;
		g->unjudged += f->course.processes[i].seen && f->course.processes[i].unseen_end;
	}
	for (uint32_t i = 0; i < f->course.process_count; i++)
		g->short_processes += f->course.processes[i].seen && is_short(f, i);
}

static int find_in_events(struct growth *g, struct report *r, const struct course_options *o, struct trk_fault *fault)
{
	struct finding f = { .growth = g, .places.report = r };
	int err = course_read(&f.course, r->capture, o, fault);

	if (!err) {
		if (f.course.lost > r->lost) /* of a large capture it has read a part */
			r->lost = f.course.lost;
		f.places.of_node = calloc((size_t)r->capture->node_count + 1, sizeof(*f.places.of_node));
		tell_span(&f);
		err = f.places.of_node ? judge_all(&f) : TRK_ERR_NOMEM;
	}
	if (!err)
		err = make_rows(&f);
	find_mark(g, r);
	places_finish(&f.places);
	course_finish(&f.course);
	free(f.all);
	return err;
}

static void step(void *data, uint64_t events)
{
	ui_progress_step(data, events);
}

int growth_find(struct growth *ret, struct report *r, const struct growth_options *o)
{
	struct ui_progress progress;
	struct course_options asked = {
		.at = r->at, .process = r->process, .threads = r->threads, .replay_most = o->exact ? UINT64_MAX : COURSE_REPLAY_MOST, .progress = step, .progress_data = &progress
	};
	struct trk_fault fault = { 0 };
	int err;

	*ret = (struct growth){ 0 };
	if (!r->has_point)
		asked.at = (struct point_range){ .from.kind = POINT_END };
	if (capture_is_aggregated(r->capture)) {
		err = growth_of_histories(ret, r, o, &fault);
	} else {
		ui_progress_start(&progress, "reading events", r->capture->event_count);
		err = find_in_events(ret, r, &asked, &fault);
		ui_progress_end(&progress);
	}
	if (!err)
		return UI_OK;
	growth_finish(ret);
	ui_error("%s: %s", r->capture->path, fault.code ? fault.why : "out of memory");
	return UI_CANNOT;
}

void growth_finish(struct growth *g)
{
	if (!g)
		return;
	free(g->rows);
	*g = (struct growth){ 0 };
}
