/* chosen_look - see chosen_look.h. */
#include "chosen_look.h"

#include <string.h>

#include "format/shm.h"

static bool is_at(const struct point *p, const struct looked *l, uint64_t marks)
{
	switch (p->kind) {
	case POINT_MARK:
		return !strcmp(p->label, l->label);
	case POINT_NTH_MARK:
		return l->head.why == SHM_WHY_MARK && marks == p->number;
	case POINT_TIME:
		return l->head.time_ns <= p->number;
	case POINT_END:
		return true;
	default:
		return false;
	}
}

/* Whether a look replaces the one that was chosen before it. */
static bool is_better(const struct point *p, const struct looked *l, uint64_t resident, const struct looked *best, uint64_t best_resident)
{
	if (!best)
		return true;
	if (l->head.process == best->head.process)
		return p->kind == POINT_TIME || p->kind == POINT_END;
	return resident > best_resident;
}

const struct looked *chosen_look(const struct report *r, const struct looks *l, const uint64_t *resident)
{
	static const struct point at_end = { .kind = POINT_END };
	const struct point *const p = !r->has_point ? &at_end : r->at.is_range ? &r->at.to :
										 &r->at.from;
	const struct looked *best = NULL;
	uint64_t best_resident = 0, marks = 0;

	for (uint32_t i = 0; i < l->count; i++) {
		const struct looked *const n = &l->list[i];

		marks += n->head.why == SHM_WHY_MARK;
		if (resident[i] == UINT64_MAX || !is_at(p, n, marks) || !is_better(p, n, resident[i], best, best_resident))
			continue;
		best = n;
		best_resident = resident[i];
	}
	return best;
}
