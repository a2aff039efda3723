/* runs - see runs.h. */
#include "runs.h"

#include <stdlib.h>
#include <string.h>

struct run {
	uint64_t path, bases[2]; /* of the level below it; to which its codes are relative */
	uint32_t parent, generation, count;
	struct stream_level levels[]; /* then the codes */
};

void runs_finish(struct runs *rs)
{
	free(rs->places);
	free(rs->bytes);
	*rs = (struct runs){ 0 };
}

static bool start(struct runs *rs)
{
	if (rs->places || rs->refused)
		return rs->places;
	rs->places = calloc(1u << RUNS_BITS, sizeof(*rs->places));
	rs->bytes = malloc(RUNS_BYTES);
	if (rs->places && rs->bytes)
		return true;
	runs_finish(rs);
	rs->refused = true;
	return false;
}

/* What the run is put on. */
static const struct stream_level *below(const struct stream *s, uint32_t depth)
{
	return &s->levels[depth - 1];
}

static bool count_pause(struct runs *rs)
{
	if (rs->pause) {
		rs->pause--;
		return true;
	}
	if (++rs->looks < RUNS_TRIAL)
		return false;
	if (rs->repeats < RUNS_REPEATED)
		rs->pause = RUNS_PAUSE;
	rs->looks = rs->repeats = 0;
	return false;
}

#define FACTOR 0x9e3779b97f4a7c15ull
#define OTHER_FACTOR 0xd6e8feb86659fd93ull

/*
 * Two sums beside each other, because each step waits for the one before it. A step loses nothing, and its upper bits
 * depend on all. A run is compared whole before it is used, so a hash that a program can aim at costs only time.
 */
static uint64_t hash_codes(const uint8_t *codes, uint32_t count, uint64_t seed)
{
	uint64_t a = seed * OTHER_FACTOR, b = count;
	uint32_t i = 0;

	for (; i + 4 <= count; i += 4, codes += 16) {
		a = (a ^ get_u64(codes)) * FACTOR;
		b = (b ^ get_u64(codes + 8)) * OTHER_FACTOR;
	}
	for (; i < count; i++, codes += 4)
		a = (a ^ get_u32(codes)) * FACTOR;
	return (a ^ b >> 32) * FACTOR + b;
}

struct runs_place *runs_find(struct runs *rs, const struct stream *s, uint32_t generation, uint64_t *ret_hash)
{
	const struct wire_frames *const f = &s->head.pushes;

	if (f->wide || f->count < RUNS_FRAMES_MIN || !s->depth || count_pause(rs) || !start(rs))
		return NULL;

	const uint64_t seed = (uint64_t)below(s, s->depth)->node << 32 | generation;
	const uint64_t hash = hash_codes(f->bytes, f->count, seed);
	struct runs_place *const at = &rs->places[hash >> (64 - RUNS_BITS)];

	rs->repeats += at->hash == hash;
	*ret_hash = hash;
	return at;
}

bool runs_take(const struct runs_place *at, uint64_t hash, struct stream *s, uint32_t generation)
{
	const struct run *const r = at->run;
	const uint32_t n = s->head.pushes.count;

	if (!r || at->hash != hash || r->count != n || r->generation != generation ||
	    r->parent != below(s, s->depth)->node || r->path != below(s, s->depth)->path ||
	    memcmp(r->bases, s->state.bases, sizeof(r->bases)) != 0 ||
	    memcmp(r->levels + n, s->head.pushes.bytes, wire_frames_bytes(&s->head.pushes)) != 0)
		return false;
	memcpy(s->levels + s->depth, r->levels, n * sizeof(*r->levels));
	s->depth += n;
	return true;
}

void runs_keep(struct runs *rs, struct runs_place *at, uint64_t hash, const struct stream *s, uint32_t generation)
{
	const uint32_t n = s->head.pushes.count, depth = s->depth - n;
	const size_t codes = wire_frames_bytes(&s->head.pushes), levels = n * sizeof(struct stream_level);
	const size_t room = (sizeof(struct run) + levels + codes + 15) & ~(size_t)15;

	if (at->hash != hash) {
		*at = (struct runs_place){ .hash = hash };
		return;
	}
	if (rs->used + room > RUNS_BYTES) {
		memset(rs->places, 0, sizeof(*rs->places) << RUNS_BITS);
		rs->used = 0;
	}

	struct run *const r = (struct run *)(rs->bytes + rs->used);

	rs->used += room;
	*r = (struct run){
		.path = below(s, depth)->path,
		.parent = below(s, depth)->node,
		.generation = generation,
		.bases = { s->state.bases[0], s->state.bases[1] },
		.count = n,
	};
	memcpy(r->levels, s->levels + depth, levels);
	memcpy(r->levels + n, s->head.pushes.bytes, codes);
	*at = (struct runs_place){ hash, r };
}
