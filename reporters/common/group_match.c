/*
 * group_match - rows of two builds that are the same calls although their chains differ: a compiler left out frames of one (it inlined
 * a function and nothing tells of that, or a function called the last one in its own place), and not of the other.
 *
 * What is then missing in one row has come to another one, whose chain is the same without some frames. So two rows belong together if one
 * chain is part of the other, and what one side has lost in the one it has gained in the other, in bytes and in blocks: at least half as
 * much, because the program may have changed, too. If both builds have both rows, it must be exactly as many blocks.
 * Pairs that nearly make each other good come first, then those with the fewest frames left out.
 */
#include "common/group_private.h"

#include <stdlib.h>

#include "format/array.h"

/* Bounds on time: calls in a chain that is looked at, chains that are part of one, and steps to find them all. */
#define CALLS_MAX 256
#define VISITS_MAX 512
#define STEPS_MAX 50000000u

struct pair {
	uint32_t longer, shorter; /* stats */
	bool is_rough; /* more than a sixteenth is left */
	uint32_t frames; /* that the shorter one has not */
	uint64_t size; /* of the smaller change */
};

struct change {
	int64_t size, count;
	bool both; /* both sides have the row, or one that it was joined with */
};

struct matcher {
	const struct grouping *g;
	struct pair *pairs;
	size_t count, room;
	uint32_t *chain; /* the atoms of one row, the oldest first, */
	size_t chain_room;
	uint32_t *open; /* ... and what is still to be looked at: a node, and how many of them stand before its last atom */
	size_t open_count, open_room;
	uint64_t steps;
	struct change *changes; /* by stat, with what it has got from others */
	uint32_t *into;
};

static struct change change_of(const struct group_stat *s)
{
	const struct group_value *const old = &s->value[GROUP_OLD], *const new = &s->value[GROUP_NEW];

	return (struct change){ (int64_t)(new->size - old->size), (int64_t)(new->count - old->count), old->count && new->count };
}

static uint64_t magnitude(int64_t n)
{
	return n < 0 ? -(uint64_t)n : (uint64_t)n;
}

/* Whether what one has lost the other may have got. */
static bool makes_good(int64_t lost, int64_t got)
{
	return (lost < 0) != (got < 0) && magnitude(got) >= magnitude(lost) - magnitude(lost) / 2;
}

static bool is_near(int64_t lost, int64_t got)
{
	return magnitude(lost + got) <= magnitude(lost) / 16;
}

static bool belong_together(const struct matcher *m, uint32_t a, uint32_t b)
{
	const struct change *const one = &m->changes[a], *const other = &m->changes[b];

	if (!one->size || !one->count || !other->size || !other->count)
		return false;
	if (one->both && other->both)
		return one->count + other->count == 0 && makes_good(one->size, other->size);
	return (!one->both && makes_good(one->size, other->size) && makes_good(one->count, other->count)) ||
	       (!other->both && makes_good(other->size, one->size) && makes_good(other->count, one->count));
}

/* ---- pairs ---- */

static int add_pair(struct matcher *m, uint32_t longer, uint32_t shorter, uint32_t frames)
{
	const struct change *const one = &m->changes[longer], *const other = &m->changes[shorter];
	const uint64_t a = magnitude(one->size), b = magnitude(other->size);
	const bool rough = !is_near(one->size, other->size) || !is_near(one->count, other->count);

	if (!belong_together(m, longer, shorter))
		return 0;
	if (!ARRAY_ROOM(m->pairs, m->room, m->count + 1, 64))
		return TRK_ERR_NOMEM;
	m->pairs[m->count++] = (struct pair){ longer, shorter, rough, frames, a < b ? a : b };
	return 0;
}

/* The chain of a row into m->chain. */
static int lay_out(struct matcher *m, uint32_t path)
{
	const struct group_private *const p = m->g->private;
	uint32_t n = p->paths[path].depth;

	if (!ARRAY_ROOM(m->chain, m->chain_room, n + 1, 64))
		return TRK_ERR_NOMEM;
	for (uint32_t node = path; node; node = p->tree.nodes[node].parent)
		m->chain[--n] = p->tree.nodes[node].item;
	return 0;
}

static int open_node(struct matcher *m, uint32_t node, uint32_t next)
{
	if (!ARRAY_ROOM(m->open, m->open_room, m->open_count + 2, 64))
		return TRK_ERR_NOMEM;
	m->open[m->open_count++] = node;
	m->open[m->open_count++] = next;
	return 0;
}

/*
 * Pairs a row with those whose chains are parts of its own: paths from the root that take some of its atoms, in order. A node is
 * reached by the earliest atoms that lead to it, once.
 */
static int pair_parts(struct matcher *m, uint32_t stat)
{
	const struct group_private *const p = m->g->private;
	const uint32_t path = m->g->stats[stat].path, n = p->paths[path].depth;
	int err;

	m->open_count = 0;
	if (n > CALLS_MAX)
		return 0;
	err = lay_out(m, path);
	if (!err)
		err = open_node(m, 0, 0);
	for (unsigned visits = 0; !err && m->open_count && visits < VISITS_MAX && m->steps < STEPS_MAX; visits++) {
		const uint32_t next = m->open[--m->open_count], node = m->open[--m->open_count];
		const uint32_t found = p->paths[node].stat;

		if (node && node != path && found != GROUP_NO_STAT)
			err = add_pair(m, stat, found, n - p->paths[node].depth);
		for (uint32_t i = n; i-- > next && !err;) {
			const uint32_t child = stack_tree_find(&p->tree, node, m->chain[i]);

			m->steps++;
			if (child)
				err = open_node(m, child, i + 1);
		}
	}
	return err;
}

static int best_first(const void *left, const void *right)
{
	const struct pair *const a = left, *const b = right;

	if (a->is_rough != b->is_rough)
		return a->is_rough ? 1 : -1;
	if (a->frames != b->frames)
		return a->frames < b->frames ? -1 : 1;
	if (a->size != b->size)
		return a->size > b->size ? -1 : 1;
	if (a->longer != b->longer)
		return a->longer < b->longer ? -1 : 1;
	return a->shorter < b->shorter ? -1 : a->shorter > b->shorter;
}

/* ---- joining ---- */

static uint32_t end_of(const uint32_t *into, uint32_t stat)
{
	while (into[stat] != stat)
		stat = into[stat];
	return stat;
}

/* The row that stays is the one with fewer frames: what it says is true of both. */
static void join(struct matcher *m, const struct pair *pair)
{
	const uint32_t stays = end_of(m->into, pair->shorter), goes = end_of(m->into, pair->longer);

	if (stays == goes || !belong_together(m, stays, goes))
		return;
	m->into[goes] = stays;
	m->changes[stays].size += m->changes[goes].size;
	m->changes[stays].count += m->changes[goes].count;
	m->changes[stays].both = true;
}

int grouping_match(const struct grouping *g, uint32_t **ret_into)
{
	struct matcher m = { .g = g, .into = calloc(g->stat_count + 1, sizeof(*m.into)), .changes = calloc(g->stat_count + 1, sizeof(*m.changes)) };
	int err = m.into && m.changes ? 0 : TRK_ERR_NOMEM;

	for (uint32_t i = 0; i < g->stat_count && !err; i++) {
		m.into[i] = i;
		m.changes[i] = change_of(&g->stats[i]);
	}
	for (uint32_t i = 0; i < g->stat_count && !err; i++)
		if (m.changes[i].size)
			err = pair_parts(&m, i);
	if (!err && m.count)
		qsort(m.pairs, m.count, sizeof(*m.pairs), best_first);
	for (size_t i = 0; i < m.count && !err; i++)
		join(&m, &m.pairs[i]);
	free(m.pairs);
	free(m.chain);
	free(m.open);
	free(m.changes);
	*ret_into = m.into;
	if (!err)
		return 0;
	free(m.into);
	*ret_into = NULL;
	return err;
}
