/*
 * cuts - see cuts.h. Every whole stack is looked at once; after that its node alone says which cut is its.
 *
 * The hash of the most recent frames is the difference of two hashes that begin at the root, so that a
 * frame more costs a step and not all of them: polynomials modulo a prime, at a place that no recorded program knows.
 */
#include "cuts.h"

#include <stdlib.h>
#include <string.h>

#include "format/mix.h"

#include "format/array.h"
#define FIRST_ROOM 1024u
#define PRIME ((1ull << 61) - 1)
#define BASE (trk_mix(1, 1) >> 4) /* below PRIME */

void cuts_finish(struct cuts *c)
{
	free(c->of);
	free(c->table);
	*c = (struct cuts){ 0 };
}

static int reach(struct cuts *c, uint32_t whole)
{
	return ARRAY_ZEROES(c->of, c->of_room, (size_t)whole + 1, FIRST_ROOM) ? 0 : TRK_ERR_NOMEM;
}

static void place(struct cut *table, uint32_t room, const struct cut *cut)
{
	uint32_t i = (uint32_t)(cut->hash >> 32) & (room - 1);

	while (table[i].node)
		i = (i + 1) & (room - 1);
	table[i] = *cut;
}

/* At most half full, with room for one more. */
static int reserve(struct cuts *c)
{
	const uint32_t room = c->room ? c->room * 2 : FIRST_ROOM;
	struct cut *table;

	if (c->count < c->room / 2)
		return 0;
	table = calloc(room, sizeof(*table));
	if (!table)
		return TRK_ERR_NOMEM;
	for (uint32_t i = 0; i < c->room; i++)
		if (c->table[i].node)
			place(table, room, &c->table[i]);
	free(c->table);
	c->table = table;
	c->room = room;
	return 0;
}

static uint64_t times_plus(uint64_t a, uint64_t b, uint64_t c)
{
	const trk_u128 product = (trk_u128)a * b + c;
	const uint64_t sum = (uint64_t)(product & PRIME) + (uint64_t)(product >> 61);

	return sum >= PRIME ? sum - PRIME : sum;
}

static void hash_levels(const struct writer *w, struct stream *s)
{
	const uint64_t base = BASE;
	uint64_t hash = s->hashed ? s->hashes[s->hashed - 1] : 0;
	uint32_t frame;

	for (uint32_t i = s->hashed; i < s->depth; i++) {
		writer_node_get(w, s->levels[i].node, &frame);
		s->hashes[i] = hash = times_plus(hash, base, (uint64_t)frame + 1);
	}
	s->hashed = s->depth;
}

/* Of the `keep` most recent frames, below the prime. */
static uint64_t hash_of(struct cuts *c, const struct writer *w, struct stream *s, uint32_t keep)
{
	uint64_t older;

	for (uint32_t i = c->shift ? keep : 0; i < keep; i++)
		c->shift = times_plus(c->shift ? c->shift : 1, BASE, 0);
	hash_levels(w, s);
	older = s->depth > keep ? s->hashes[s->depth - keep - 1] : 0;
	return times_plus(PRIME - times_plus(older, c->shift, 0), 1, s->hashes[s->depth - 1]);
}

static bool same(const struct writer *w, uint32_t a, uint32_t b, uint32_t keep)
{
	uint32_t frame_a, frame_b;

	for (uint32_t i = 0; i < keep && a != b; i++) {
		a = writer_node_get(w, a, &frame_a);
		b = writer_node_get(w, b, &frame_b);
		if (frame_a != frame_b)
			return false;
	}
	return true;
}

static int find(struct cuts *c, struct writer *w, struct stream *s, uint32_t keep)
{
	struct cut new = { .whole = s->node };
	uint32_t *const ret = &c->of[s->node], i;

	if (stream_grow_hashes(s) != 0 || reserve(c) != 0)
		return TRK_ERR_NOMEM;
	new.hash = trk_mix(hash_of(c, w, s, keep), 0);
	i = (uint32_t)(new.hash >> 32) & (c->room - 1);
	for (; c->table[i].node; i = (i + 1) & (c->room - 1)) {
		if (c->table[i].hash != new.hash || !same(w, c->table[i].whole, s->node, keep))
			continue;
		*ret = c->table[i].node;
		return 0;
	}
	if (!c->frame)
		c->frame = writer_frame(w, 0, TRK_FRAME_CUT + keep);
	new.node = *ret = writer_node(w, s->node, c->frame);
	if (!new.node)
		return TRK_ERR_NOMEM;
	c->table[i] = new;
	c->count++;
	return 0;
}

int cuts_get(struct cuts *c, struct writer *w, struct stream *s, uint32_t keep)
{
	int err = reach(c, s->node);

	if (!err && !c->of[s->node])
		err = find(c, w, s, keep);
	if (!err)
		s->node = c->of[s->node];
	return err;
}
