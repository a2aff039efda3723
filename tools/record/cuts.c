/*
 * cuts - see cuts.h. Every whole stack is looked at once; afterwards its node alone says which cut belongs to it.
 *
 * The hash of the most recent frames is the difference of two hashes that begin at the root, so that one more frame
 * costs one step and not a pass over all frames. The hashes are polynomials modulo a prime, evaluated at a point that
 * no recorded program knows.
 */
#include "cuts.h"

#include <stdlib.h>

#include "format/array.h"
#include "format/mix.h"

#define FIRST_ROOM 1024u
#define PRIME ((1ull << 61) - 1)
#define BASE (trk_mix(1, 1) >> 4) /* below PRIME */

void cuts_finish(struct cuts *c)
{
	free(c->of);
	idmap_finish(&c->by_hash);
	free(c->all);
	*c = (struct cuts){ 0 };
}

static int reach(struct cuts *c, uint32_t whole)
{
	return ARRAY_ZEROES(c->of, c->of_room, (size_t)whole + 1, FIRST_ROOM) ? 0 : TRK_ERR_NOMEM;
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

/* Hash of the `keep` most recent frames, below the prime. */
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

static int add(struct cuts *c, struct writer *w, uint32_t whole, uint32_t hash, uint32_t keep)
{
	if (!idmap_reserve(&c->by_hash) || !ARRAY_ROOM(c->all, c->room, (size_t)c->count + 1, FIRST_ROOM))
		return TRK_ERR_NOMEM;
	if (!c->frame)
		c->frame = writer_frame(w, 0, TRK_FRAME_CUT + keep);

	const struct cut new = { .node = writer_node(w, whole, c->frame), .whole = whole };

	if (!new.node)
		return TRK_ERR_NOMEM;
	c->all[c->count++] = new;
	idmap_add(&c->by_hash, hash, c->count);
	c->of[whole] = new.node;
	return 0;
}

static int find(struct cuts *c, struct writer *w, struct stream *s, uint32_t keep)
{
	uint32_t hash, at, id;

	if (stream_grow_hashes(s) != 0)
		return TRK_ERR_NOMEM;
	at = hash = (uint32_t)(trk_mix(hash_of(c, w, s, keep), 0) >> 32);
	while ((id = idmap_next(&c->by_hash, hash, &at))) {
		if (!same(w, c->all[id - 1].whole, s->node, keep))
			continue;
		c->of[s->node] = c->all[id - 1].node;
		return 0;
	}
	return add(c, w, s->node, hash, keep);
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
