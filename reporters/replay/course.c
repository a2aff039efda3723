/* course - see course.h: sites and their steps, and what happens to them. */
#include "replay/course_private.h"

#include <stdlib.h>

#include "format/array.h"
#include "format/mix.h"

#define LATE_BIN (COURSE_BINS * 9 / 10)
#define SHORT_NS 1000000000ull /* of so short a run, the time says little */

/* ---- positions ---- */

uint32_t course_bin(uint64_t at, uint64_t from, uint64_t to)
{
	if (at <= from)
		return 0;
	if (at >= to)
		return COURSE_BINS - 1;
	return (uint32_t)((unsigned __int128)(at - from) * COURSE_BINS / (to - from));
}

/* The first position of the bin behind `bin`. */
static uint64_t behind(uint32_t bin, uint64_t from, uint64_t to)
{
	if (bin + 1 >= COURSE_BINS || to <= from)
		return UINT64_MAX;
	return from + (uint64_t)(((unsigned __int128)(to - from) * (bin + 1) + COURSE_BINS - 1) / COURSE_BINS);
}

bool course_is_late(const struct course_process *p, uint8_t tick)
{
	const uint32_t event_bin = p->event_bin[tick], time_bin = tick - event_bin;

	return (event_bin >= LATE_BIN && (time_bin >= COURSE_BINS / 2 || p->to_ns - p->from_ns < SHORT_NS)) ||
	       (time_bin >= LATE_BIN && event_bin >= COURSE_BINS / 2);
}

void course_go(struct course_process *p, uint32_t event_bin, uint32_t time_bin)
{
	const uint32_t now = p->event_bin[p->tick], time_now = p->tick - now;

	if (event_bin < now)
		event_bin = now;
	if (time_bin < time_now)
		time_bin = time_now;
	p->tick = (uint8_t)(event_bin + time_bin);
	p->event_bin[p->tick] = (uint8_t)event_bin;
	p->met[p->tick] = true;
}

/* What lives now, by when it was allocated. */
static void note_early(struct course *t, const struct course_process *p)
{
	for (uint32_t i = p->sites; i != COURSE_NONE; i = t->sites[i].next) {
		struct course_site *const s = &t->sites[i];

		s->early_bytes = s->bytes;
		s->early_count = s->count;
		for (uint32_t k = s->last; k != COURSE_NONE; k = t->steps[k].before) {
			t->steps[k].early = t->steps[k].kept;
			t->steps[k].early_count = t->steps[k].kept_count;
		}
	}
}

void course_move(struct course *t, uint32_t process, uint64_t event, uint64_t time_ns)
{
	struct course_process *const p = &t->processes[process];
	const uint32_t before = p->tick;

	p->event = event;
	if (event < p->next_event && time_ns < p->next_ns)
		return;
	course_go(p, course_bin(event, p->from_event, p->to_event), course_bin(time_ns, p->from_ns, p->to_ns));
	p->next_event = behind(p->event_bin[p->tick], p->from_event, p->to_event);
	p->next_ns = behind(p->tick - p->event_bin[p->tick], p->from_ns, p->to_ns);
	if (p->early == COURSE_TICKS && p->tick != before && course_is_late(p, p->tick)) {
		p->early = p->tick;
		note_early(t, p);
	}
}

/* ---- sites ---- */

static uint32_t new_site(struct course *t, const struct heap_block *b, uint32_t hash)
{
	struct course_process *const p = &t->processes[b->process];

	if (!idmap_reserve(&t->by_key) || !ARRAY_ROOM(t->sites, t->site_room, (size_t)t->site_count + 1, 256)) {
		t->no_memory = true;
		return COURSE_NONE;
	}
	t->sites[t->site_count] = (struct course_site){
		.process = b->process, .node = b->node, .domain = b->domain, .last = COURSE_NONE, .next = p->sites
	};
	p->sites = t->site_count++;
	idmap_add(&t->by_key, hash, t->site_count);
	return t->site_count - 1;
}

static bool is_site(const struct course_site *s, const struct heap_block *b)
{
	return s->node == b->node && s->process == b->process && s->domain == b->domain;
}

static uint32_t site_of(struct course *t, const struct heap_block *b)
{
	const uint32_t last = t->last_site[b->node];
	uint32_t hash, at, id;

	if (last && is_site(&t->sites[last - 1], b))
		return last - 1;
	hash = at = (uint32_t)trk_mix((uint64_t)b->process << 32 | b->node, b->domain);
	while ((id = idmap_next(&t->by_key, hash, &at)))
		if (is_site(&t->sites[id - 1], b))
			break;
	id = id ? id - 1 : new_site(t, b, hash);
	if (id != COURSE_NONE)
		t->last_site[b->node] = id + 1;
	return id;
}

/* ---- steps ---- */

/* A new step behind `before` in the site's chain, which *link leads on from. */
static uint32_t new_step(struct course *t, uint32_t site, uint32_t before, uint8_t tick, uint64_t level)
{
	if (!ARRAY_ROOM(t->steps, t->step_room, (size_t)t->step_count + 1, 1024)) {
		t->no_memory = true;
		return COURSE_NONE;
	}
	t->steps[t->step_count] = (struct course_step){ .site = site, .before = before, .tick = tick, .level = level, .low = level };
	return t->step_count++;
}

/* The site's step in the present tick. What lived at the end of a replayed tick lives on. */
static uint32_t present_step(struct course *t, uint32_t site)
{
	struct course_site *const s = &t->sites[site];
	const struct course_process *const p = &t->processes[s->process];
	const struct course_step *const last = s->last == COURSE_NONE ? NULL : &t->steps[s->last];
	uint32_t step;

	if (last && last->tick == p->tick)
		return s->last;
	step = new_step(t, site, s->last, p->tick, last && last->tick >= p->exact ? last->level : 0);
	if (step != COURSE_NONE)
		t->sites[site].last = step;
	return step;
}

/* The step in a tick that is over, of which the level is not known by itself. */
static uint32_t past_step(struct course *t, uint32_t site, uint8_t tick)
{
	uint32_t later = COURSE_NONE, at = t->sites[site].last, step;

	for (; at != COURSE_NONE && t->steps[at].tick > tick; at = t->steps[at].before)
		later = at;
	if (at != COURSE_NONE && t->steps[at].tick == tick)
		return at;
	step = new_step(t, site, at, tick, 0);
	if (step != COURSE_NONE) {
		if (later == COURSE_NONE)
			t->sites[site].last = step;
		else
			t->steps[later].before = step;
	}
	return step;
}

void course_clear_tick(struct course *t, uint32_t process)
{
	struct course_process *const p = &t->processes[process];

	for (uint32_t i = p->sampled[p->tick] ? p->sites : COURSE_NONE; i != COURSE_NONE; i = t->sites[i].next)
		for (uint32_t k = t->sites[i].last; k != COURSE_NONE; k = t->steps[k].before)
			if (t->steps[k].tick == p->tick)
				t->steps[k].level = t->steps[k].low = 0;
	p->sampled[p->tick] = true;
}

/* ---- events ---- */

/* The lowest level counts between events: a realloc frees the old block and allocates the new one in one event. */
static struct course_step *change(struct course *t, uint32_t site)
{
	struct course_site *const s = &t->sites[site];
	const uint32_t event = (uint32_t)t->processes[s->process].event;
	const uint32_t step = present_step(t, site);
	struct course_step *const p = step == COURSE_NONE ? NULL : &t->steps[step];

	if (p && t->sites[site].event != event) {
		t->sites[site].event = event;
		if (p->level < p->low)
			p->low = p->level;
	}
	return p;
}

static bool is_asked_for(const struct course_reading *r, const struct heap_block *b)
{
	const bool *const threads = r->options->threads;

	return !b->reserved && (!threads || (b->thread < r->capture->thread_count && threads[b->thread]));
}

static void count(struct course_site *s, const struct sampling_estimate *e)
{
	s->bytes += e->bytes;
	s->count += e->count;
	sampling_add(&s->error, e);
}

static void grow(struct course *t, uint32_t born_in, const struct sampling_estimate *e)
{
	const uint32_t site = t->steps[born_in].site;
	struct course_step *const now = change(t, site);

	if (now)
		now->level += e->bytes;
	t->steps[born_in].kept += e->bytes;
	t->steps[born_in].kept_count += e->count != 0;
	count(&t->sites[site], e);
}

static void born(void *data, struct heap_block *b, const struct sampling_estimate *e)
{
	struct course_reading *const r = data;
	struct course *const t = r->course;
	const uint32_t site = is_asked_for(r, b) ? site_of(t, b) : COURSE_NONE;

	b->user = site == COURSE_NONE || !change(t, site) ? COURSE_NONE : t->sites[site].last;
	if (b->user != COURSE_NONE)
		grow(t, b->user, e);
}

static void grew(void *data, const struct heap_block *b, const struct sampling_estimate *e)
{
	struct course_reading *const r = data;

	if (b->user != COURSE_NONE)
		grow(r->course, b->user, e);
}

static void died(void *data, const struct heap_block *b, const struct sampling_estimate *e, bool temporary,
		 const struct trk_event *by)
{
	struct course *const t = ((struct course_reading *)data)->course;
	struct course_step *now;
	struct course_site *s;

	if (b->user == COURSE_NONE)
		return;
	now = change(t, t->steps[b->user].site);
	s = &t->sites[t->steps[b->user].site];
	if (now)
		now->level -= e->bytes;
	t->steps[b->user].kept -= e->bytes;
	t->steps[b->user].kept_count -= e->count != 0;
	s->bytes -= e->bytes;
	s->count -= e->count;
	sampling_take(&s->error, e);
	if (!trk_kind_wipes(by->kind))
		s->freed += e->count;
}

/* ---- keyframes ---- */

/* The tick in which a block of a keyframe was allocated. */
static uint8_t tick_of(const struct course_reading *r, struct course_process *p, uint32_t process, uint64_t time_ns)
{
	const uint32_t time_bin = course_bin(time_ns, p->from_ns, p->to_ns);
	uint32_t event_bin = 0;
	uint8_t tick;

	if (!r->edges)
		return 0;
	while (event_bin + 1 < COURSE_BINS && r->edges[process][event_bin + 1] <= time_ns)
		event_bin++;
	tick = event_bin + time_bin < p->tick ? (uint8_t)(event_bin + time_bin) : p->tick;
	if (!p->met[tick])
		p->event_bin[tick] = (uint8_t)event_bin;
	p->met[tick] = true;
	return tick;
}

/* Of a cut mapping, each fragment; the first of them counts as a block. */
static void restored(void *data, struct heap_block *b, const struct sampling_estimate *e, uint64_t asked)
{
	struct course_reading *const r = data;
	struct course *const t = r->course;
	struct course_process *const p = &t->processes[b->process];
	const uint32_t site = p->here && is_asked_for(r, b) ? site_of(t, b) : COURSE_NONE;
	const uint32_t step = site == COURSE_NONE ? COURSE_NONE : present_step(t, site);

	b->user = COURSE_NONE;
	if (step == COURSE_NONE)
		return;
	t->steps[step].level += e->bytes;
	t->steps[step].low = t->steps[step].level;
	if (p->last_keyframe != r->keyframe && p->early_keyframe != r->keyframe)
		return;
	b->user = past_step(t, site, tick_of(r, p, b->process, b->time_ns));
	if (b->user == COURSE_NONE)
		return;
	if (p->early_keyframe == r->keyframe) {
		t->steps[b->user].early += e->bytes;
		t->steps[b->user].early_count += e->count != 0;
		t->sites[site].early_bytes += e->bytes;
		t->sites[site].early_count += e->count;
	}
	if (p->last_keyframe == r->keyframe) {
		t->steps[b->user].kept += e->bytes;
		t->steps[b->user].kept_count += e->count != 0;
		count(&t->sites[site], e);
	}
}

struct heap_observer course_keyframe_observer(struct course_reading *r)
{
	return (struct heap_observer){ .data = r, .restored = restored };
}

struct heap_observer course_observer(struct course_reading *r)
{
	return (struct heap_observer){
		.data = r, .born = born, .grew = grew, .died = died, .restored = restored
	};
}

void course_finish(struct course *t)
{
	free(t->sites);
	free(t->steps);
	free(t->processes);
	free(t->last_site);
	idmap_finish(&t->by_key);
	*t = (struct course){ 0 };
}
