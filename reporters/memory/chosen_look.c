/* chosen_look - see chosen_look.h. */
#include "chosen_look.h"

#include <stdlib.h>
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

int chosen_look(const struct looked **ret, const struct report *r, const struct looks *l, const uint64_t *resident)
{
	static const struct point at_end = { .kind = POINT_END };
	const struct point *const p = !r->has_point ? &at_end : r->at.is_range ? &r->at.to :
										 &r->at.from;
	const bool wants_last = p->kind == POINT_TIME || p->kind == POINT_END;
	uint32_t *const of = calloc((size_t)r->capture->process_count + 1, sizeof(*of)); /* by process: 1 + its look */
	uint64_t marks = 0;

	*ret = NULL;
	if (!of)
		return TRK_ERR_NOMEM;
	for (uint32_t i = 0; i < l->count; i++) {
		const struct looked *const n = &l->list[i];

		marks += n->head.why == SHM_WHY_MARK;
		if (resident[i] != UINT64_MAX && is_at(p, n, marks) && (wants_last || !of[n->head.process]))
			of[n->head.process] = i + 1;
	}
	for (uint32_t i = 0; i < l->count; i++)
		if (of[l->list[i].head.process] == i + 1 && (!*ret || resident[i] > resident[*ret - l->list]))
			*ret = &l->list[i];
	free(of);
	return 0;
}
