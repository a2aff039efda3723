/* chosen_look - see chosen_look.h. */
#include "chosen_look.h"

#include <stdlib.h>
#include <string.h>

#include "format/event.h"
#include "format/shm.h"

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

	c->look = NULL;
	if (!err && p->kind == POINT_NTH_MARK)
		err = time_of_mark(&after_ns, r, p->number);
	for (uint32_t i = 0; i < l->count && !err; i++) {
		const struct looked *const n = &l->list[i];

		if (c->resident[i] != UINT64_MAX && is_at(p, n, after_ns) && (wants_last || !of[n->head.process]))
			of[n->head.process] = i + 1;
	}
	for (uint32_t i = 0; i < l->count && !err; i++)
		if (of[l->list[i].head.process] == i + 1 && (!c->look || c->resident[i] > c->resident[c->look - l->list]))
			c->look = &l->list[i];
	free(of);
	return err;
}

static int read_resident(struct chosen_look *c, const struct report *r)
{
	c->resident = malloc(((size_t)c->looks.count + 1) * sizeof(*c->resident));
	if (!c->resident)
		return TRK_ERR_NOMEM;
	for (uint32_t i = 0; i < c->looks.count; i++) {
		struct looked_memory m;
		const int err = looked_memory_read(&m, r->capture, c->looks.list[i].head.process, c->looks.list[i].head.number);

		c->resident[i] = err || (c->looks.list[i].count && !c->looks.list[i].blocks) ? UINT64_MAX : m.head.resident;
		looked_memory_finish(&m);
		c->damaged |= err == TRK_ERR_CORRUPT;
		if (err && err != TRK_END && err != TRK_ERR_CORRUPT)
			return err;
	}
	return 0;
}

/* Where nobody looked, no event is needed. Damage is told of all the same. */
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

int chosen_look_find(struct chosen_look *c, struct report *r)
{
	int err = looks_read(&c->looks, r->capture, r->process, false);

	c->damaged = err == TRK_ERR_CORRUPT;
	if (!err || c->damaged)
		err = c->looks.count ? looks_place(&c->looks, r->capture) : read_events(r);
	if (!err)
		err = read_resident(c, r);
	if (!err)
		err = choose(c, r);
	return err || !c->look ? err : looked_memory_read(&c->memory, r->capture, c->look->head.process, c->look->head.number);
}

void chosen_look_finish(struct chosen_look *c)
{
	looks_finish(&c->looks);
	looked_memory_finish(&c->memory);
	free(c->resident);
	*c = (struct chosen_look){ 0 };
}
