/* origins - see origins.h. */
#include "report/origins.h"

#include <stdlib.h>
#include <string.h>

#include "common/group.h"

#define CALLERS_LEAST 3u /* fewer may be one task that happens to have "alloc" in its name */
#define DEPTH_MOST 8u /* of such functions that call each other */

static bool has_name(const struct source_frame *f)
{
	return f->function[0] && !f->placeholder && !f->runtime && !f->cut;
}

static bool says_alloc(const struct source_frame *f)
{
	return has_name(f) && strcasestr(f->function, "alloc");
}

/* How many of the frames may allocate for the one behind them. A function without a name may, if its caller does. */
static size_t candidates(const struct source_frame *frames, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i + 1 < count && i < DEPTH_MOST; i++) {
		if (says_alloc(&frames[i]) && has_name(&frames[i + 1]))
			n = i + 1;
		else if (!frames[i].placeholder)
			break;
	}
	return n;
}

static int learn_pair(struct origins *o, const char *function, const char *caller)
{
	const size_t before = o->pairs.count;
	char *pair;
	int err;

	if (asprintf(&pair, "%s\n%s", function, caller) < 0)
		return TRK_ERR_NOMEM;
	err = ranking_add(&o->pairs, pair, 0, 1);
	free(pair);
	return err || o->pairs.count == before ? err : ranking_add(&o->callers, function, 0, 1);
}

int origins_learn(struct origins *o, const struct view *v)
{
	int err = 0;

	for (size_t i = 0; i < v->row_count && !err; i++) {
		size_t count;
		const struct source_frame *const frames = group_frames(o->stacks, v->rows[i].node, &count);
		const size_t n = candidates(frames, count);

		for (size_t k = 0; k < n && !err; k++)
			if (says_alloc(&frames[k]))
				err = learn_pair(o, frames[k].function, frames[k + 1].function);
	}
	return err;
}

static bool serves_others(struct origins *o, const struct source_frame *f)
{
	const struct ranked *const callers = says_alloc(f) ? ranking_find(&o->callers, f->function) : NULL;

	return callers && callers->count >= CALLERS_LEAST;
}

const struct source_frame *origins_frames(struct origins *o, uint32_t node, size_t *ret_count, const char **ret_via)
{
	size_t count, skip = 0;
	const struct source_frame *const frames = group_frames(o->stacks, node, &count);
	const size_t n = candidates(frames, count);

	*ret_via = frames->via;
	for (size_t i = 0; i < n; i++) {
		if (serves_others(o, &frames[i])) {
			skip = i + 1;
			*ret_via = frames[i].function;
		} else if (!frames[i].placeholder) {
			break;
		}
	}
	*ret_count = count - skip;
	return frames + skip;
}

int origins_rank_row(struct origins *o, const struct view_row *r, struct ranking *ret)
{
	const char *via;
	size_t count;

	return ranking_add_row(ret, r, origins_frames(o, r->node, &count, &via));
}

int origins_rank(struct origins *o, const struct view *v, struct ranking *ret)
{
	int err = 0;

	for (size_t i = 0; i < v->row_count && !err; i++)
		err = origins_rank_row(o, &v->rows[i], ret);
	return err;
}

void origins_finish(struct origins *o)
{
	ranking_finish(&o->pairs);
	ranking_finish(&o->callers);
}
