/* chosen_look - see chosen_look.h. */
#include "chosen_look.h"

#include <stdlib.h>
#include <string.h>

#include "format/event.h"
#include "format/shm.h"

#define TRIES 8u /* looks that are read until one fits the events: for each, a damaged file has them replayed */

/* When mark number n was set, as other reports count marks: not every mark has a look. UINT64_MAX: there are not so many. */
static int time_of_mark(uint64_t *ret, const struct report *r, uint64_t n)
{
	const struct trk_event *e;
	struct cursor *k = NULL;
	size_t count;
	int err = cursor_open(&k, r->capture, r->process);

	*ret = UINT64_MAX;
	while (!err && n && !(err = cursor_batch(k, &e, &count)))
		for (size_t i = 0; i < count && n; i++)
			if (e[i].kind == TRK_MARK && --n == 0)
				*ret = e[i].time_ns;
	cursor_close(k);
	return err == TRK_END ? 0 : err;
}

/* after_ns: when the mark was set whose number was asked for. */
static bool is_at(const struct point *p, const struct looked *l, uint64_t after_ns)
{
	switch (p->kind) {
	case POINT_MARK:
		return !strcmp(p->label, l->label);
	case POINT_NTH_MARK:
		return l->head.why == SHM_WHY_MARK && l->head.time_ns >= after_ns;
	case POINT_TIME:
		return l->head.time_ns <= p->number;
	case POINT_END:
		return true;
	default:
		return false;
	}
}

static int choose(struct chosen_look *c, const struct report *r)
{
	static const struct point at_end = { .kind = POINT_END };
	const struct looks *const l = &c->looks;
	const struct point *const p = !r->has_point ? &at_end : r->at.is_range ? &r->at.to :
										 &r->at.from;
	const bool wants_last = p->kind == POINT_TIME || p->kind == POINT_END;
	uint32_t *const of = calloc((size_t)r->capture->process_count + 1, sizeof(*of)); /* by process: 1 + its look */
	uint64_t after_ns = 0;
	int err = of ? 0 : TRK_ERR_NOMEM;

	c->place = UINT32_MAX;
	if (!err && p->kind == POINT_NTH_MARK)
		err = time_of_mark(&after_ns, r, p->number);
	for (uint32_t i = 0; i < l->count && !err; i++) {
		const struct looked *const n = &l->list[i];

		if (c->resident[i] != UINT64_MAX && is_at(p, n, after_ns) && (wants_last || !of[n->head.process]))
			of[n->head.process] = i + 1;
	}
	for (uint32_t i = 0; i < l->count && !err; i++)
		if (of[l->list[i].head.process] == i + 1 && (c->place == UINT32_MAX || c->resident[i] > c->resident[c->place]))
			c->place = i;
	free(of);
	return err;
}

/* What the heads say of the memory: at 3,000 marks nobody reads all that stands below them. */
static int read_resident(struct chosen_look *c, const struct report *r)
{
	const struct capture *const capture = r->capture;
	int err = memory_heads_read(&c->memory_heads, capture, r->process);

	c->resident = malloc(((size_t)c->looks.count + 1) * sizeof(*c->resident));
	if (!c->resident)
		return TRK_ERR_NOMEM;
	for (uint32_t i = 0; i < c->looks.count; i++)
		c->resident[i] = UINT64_MAX;
	for (uint32_t i = 0; i < capture->look_count && !err; i++) {
		const uint64_t resident = c->memory_heads.resident[i];
		const struct looked *const n =
			resident == UINT64_MAX ? NULL : looks_find(&c->looks, capture->looks[i].process, c->memory_heads.numbers[i]);

		if (n)
			c->resident[n - c->looks.list] = resident;
	}
	c->damaged |= c->memory_heads.damaged;
	return err;
}

/* Where no look can be shown, no event is needed. Damage is told of all the same. */
static int read_events(struct report *r)
{
	struct cursor *k = NULL;
	const struct trk_event *e;
	size_t n;
	int err = cursor_open(&k, r->capture, r->process);

	while (!err)
		err = cursor_batch(k, &e, &n);
	cursor_close(k);
	return err == TRK_END ? 0 : err;
}

/* The chosen one with what stands below the head. TRK_END: it cannot be shown. */
static int read_chosen(struct chosen_look *c, const struct report *r)
{
	const struct trk_look *const head = &c->looks.list[c->place].head;
	int err = looks_read_one(&c->read, r->capture, c->looks.numbers, head->process, head->number);

	if (!err)
		err = looked_memory_read(&c->memory, r->capture, c->memory_heads.numbers, head->process, head->number);
	if (err == TRK_ERR_CORRUPT) {
		c->damaged = true;
		return TRK_END;
	}
	if (!err)
		err = looks_place_one(&c->read, r->capture);
	if (err)
		return err;
	return c->read.list[0].count && !c->read.list[0].blocks ? TRK_END : 0;
}

/* Of those that the heads promise, the first one that can be read. */
static int find(struct chosen_look *c, struct report *r)
{
	int err = choose(c, r);

	for (unsigned tries = 0; !err && c->place != UINT32_MAX && tries < TRIES; tries++) {
		err = read_chosen(c, r);
		if (err != TRK_END) {
			c->look = err ? NULL : &c->read.list[0];
			return err;
		}
		looks_finish(&c->read);
		looked_memory_finish(&c->memory);
		c->resident[c->place] = UINT64_MAX;
		err = choose(c, r);
	}
	c->place = UINT32_MAX;
	return err ? err : read_events(r);
}

int chosen_look_find(struct chosen_look *c, struct report *r)
{
	int err = looks_read(&c->looks, r->capture, r->process, LOOKS_HEADS);

	c->place = UINT32_MAX;
	c->damaged = err == TRK_ERR_CORRUPT;
	if (!err || c->damaged)
		err = read_resident(c, r);
	return err ? err : find(c, r);
}

void chosen_look_finish(struct chosen_look *c)
{
	looks_finish(&c->looks);
	looks_finish(&c->read);
	memory_heads_finish(&c->memory_heads);
	looked_memory_finish(&c->memory);
	free(c->resident);
	*c = (struct chosen_look){ 0 };
}
