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

int chosen_look(const struct looked **ret, const struct report *r, const struct looks *l, const uint64_t *resident)
{
	static const struct point at_end = { .kind = POINT_END };
	const struct point *const p = !r->has_point ? &at_end : r->at.is_range ? &r->at.to :
										 &r->at.from;
	const bool wants_last = p->kind == POINT_TIME || p->kind == POINT_END;
	uint32_t *const of = calloc((size_t)r->capture->process_count + 1, sizeof(*of)); /* by process: 1 + its look */
	uint64_t after_ns = 0;
	int err = of ? 0 : TRK_ERR_NOMEM;

	*ret = NULL;
	if (!err && p->kind == POINT_NTH_MARK)
		err = time_of_mark(&after_ns, r, p->number);
	for (uint32_t i = 0; i < l->count && !err; i++) {
		const struct looked *const n = &l->list[i];

		if (resident[i] != UINT64_MAX && is_at(p, n, after_ns) && (wants_last || !of[n->head.process]))
			of[n->head.process] = i + 1;
	}
	for (uint32_t i = 0; i < l->count && !err; i++)
		if (of[l->list[i].head.process] == i + 1 && (!*ret || resident[i] > resident[*ret - l->list]))
			*ret = &l->list[i];
	free(of);
	return err;
}
