/* runs - see runs.h. */
#include "runs.h"

#include "format/large.h"

#include <stdlib.h>
#include <string.h>

#define RUN_ALIGN 64u /* a line of the cache */

struct run {
	uint64_t path; /* of the level below it */
	struct wire_bases bases; /* to which its codes are relative */
	uint32_t parent, generation, count;
	struct stream_level levels[]; /* then the codes */
};

static size_t table_bytes(const struct runs *rs)
{
	return (sizeof(*rs->places) << rs->bits) + rs->room;
}

static void free_table(struct runs *rs)
{
	large_free(rs->places, rs->places ? table_bytes(rs) : 0);
}

void runs_finish(struct runs *rs)
{
	free_table(rs);
	*rs = (struct runs){ 0 };
}

/* An empty table, whose places and runs share their pages. False: there is no memory for it, and the table stays as it is. */
static bool set_table(struct runs *rs, uint32_t bits, size_t room)
{
	const size_t places = sizeof(*rs->places) << bits;
	uint8_t *const table = rs->refused ? NULL : large_zeroes(places + room);

	rs->refused = !table;
	if (!table)
		return false;
	free_table(rs);
	rs->places = (struct runs_place *)table;
	rs->bytes = table + places;
	rs->bits = bits;
	rs->room = room;
	rs->used = 0;
	return true;
}

static bool start(struct runs *rs)
{
	return rs->places || set_table(rs, RUNS_FEW_BITS, RUNS_FEW_BYTES);
}

/* The table is full. What is needed again will be learned again, the first time with more room. */
static void begin_anew(struct runs *rs)
{
	if (rs->room < RUNS_BYTES && set_table(rs, RUNS_BITS, RUNS_BYTES))
		return;
	memset(rs->places, 0, sizeof(*rs->places) << rs->bits);
	rs->used = 0;
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
static uint64_t hash_codes(const struct wire_frames *f)
{
	const uint8_t *codes = f->bytes, *const end = codes + f->count * sizeof(uint32_t);
	uint64_t a = 0, b = f->count;

	for (; end - codes >= 16; codes += 16) {
		a = (a ^ get_u64(codes)) * FACTOR;
		b = (b ^ get_u64(codes + 8)) * OTHER_FACTOR;
	}
	for (; codes < end; codes += 4)
		a = (a ^ get_u32(codes)) * FACTOR;
	return (a ^ b >> 32) * FACTOR + b;
}

static bool is_worth_it(const struct wire_frames *f)
{
	return !f->wide && f->count >= RUNS_FRAMES_MIN;
}

/* The place is one of these, and all of them are in one line of the cache. */
static struct runs_place *places_of(const struct runs *rs, uint64_t codes)
{
	return &rs->places[codes >> (64 - rs->bits) & ~(RUNS_BESIDE - 1ull)];
}

static struct run *run_at(const struct runs *rs, const struct runs_place *at)
{
	return (struct run *)(rs->bytes + (size_t)(at->run - 1) * RUN_ALIGN);
}

static size_t room_of(uint32_t count)
{
	const size_t room = sizeof(struct run) + count * (sizeof(struct stream_level) + sizeof(uint32_t));

	return (room + RUN_ALIGN - 1) & ~(size_t)(RUN_ALIGN - 1);
}

uint64_t runs_expect(const struct runs *rs, const struct wire_frames *f)
{
	if (rs->room < RUNS_BYTES || rs->pause || !is_worth_it(f))
		return 0;

	const uint64_t codes = hash_codes(f);

	__builtin_prefetch(places_of(rs, codes));
	return codes;
}

void runs_fetch(const struct runs *rs, const struct wire_frames *f, uint64_t codes)
{
	const struct runs_place *const places = places_of(rs, codes);
	const size_t room = room_of(f->count);

	for (uint32_t i = 0; i < RUNS_BESIDE; i++) {
		if (places[i].codes != (uint32_t)codes || !places[i].run)
			continue;

		const uint8_t *const run = (const uint8_t *)run_at(rs, &places[i]);

		for (size_t at = 0; at < room; at += RUN_ALIGN)
			__builtin_prefetch(run + at);
	}
}

static inline struct runs_place *find(struct runs *rs, const struct stream *s, uint32_t generation, uint64_t codes,
				      uint64_t *ret_hash)
{
	if (!codes)
		codes = hash_codes(&s->head.pushes);

	const uint64_t on_what = (uint64_t)below(s, s->depth)->node << 32 | generation;
	const uint64_t hash = (codes ^ on_what * OTHER_FACTOR) * FACTOR;

	*ret_hash = hash;
	return &places_of(rs, codes)[(hash >> 60) % RUNS_BESIDE];
}

static inline bool is_run(const struct run *r, const struct stream *s, uint32_t generation)
{
	const struct stream_level *const on = below(s, s->depth);
	const uint32_t n = s->head.pushes.count;

	return r->count == n && r->generation == generation && r->parent == on->node && r->path == on->path &&
	       r->bases.of[0] == s->state.bases.of[0] && r->bases.of[2] == s->state.bases.of[2] &&
	       memcmp(r->levels + n, s->head.pushes.bytes, n * sizeof(uint32_t)) == 0;
}

bool runs_take(struct runs *rs, struct stream *s, uint32_t generation, uint64_t codes, struct runs_look *ret)
{
	const uint32_t n = s->head.pushes.count;

	ret->place = NULL;
	if (!is_worth_it(&s->head.pushes) || !s->depth || n > s->level_room - s->depth || count_pause(rs) || !start(rs))
		return false;
	ret->place = find(rs, s, generation, codes, &ret->hash);
	if (ret->place->hash != ret->hash)
		return false;
	rs->repeats++;
	if (!ret->place->run)
		return false;

	const struct run *const r = run_at(rs, ret->place);

	if (!is_run(r, s, generation))
		return false;
	memcpy(s->levels + s->depth, r->levels, n * sizeof(*r->levels));
	s->depth += n;
	return true;
}

void runs_keep(struct runs *rs, const struct runs_look *look, const struct stream *s, uint32_t generation)
{
	struct runs_place *const at = look->place;
	const uint32_t n = s->head.pushes.count, depth = s->depth - n;
	const size_t room = room_of(n);

	if (at->hash != look->hash) {
		*at = (struct runs_place){ .hash = look->hash };
		return;
	}
	if (rs->used + room > rs->room) {
		begin_anew(rs);
		return;
	}
	*at = (struct runs_place){
		.hash = look->hash,
		.codes = (uint32_t)hash_codes(&s->head.pushes),
		.run = (uint32_t)(rs->used / RUN_ALIGN) + 1,
	};
	rs->used += room;

	struct run *const r = run_at(rs, at);

	*r = (struct run){
		.path = below(s, depth)->path,
		.parent = below(s, depth)->node,
		.generation = generation,
		.bases = s->state.bases,
		.count = n,
	};
	memcpy(r->levels, s->levels + depth, n * sizeof(*r->levels));
	memcpy(r->levels + n, s->head.pushes.bytes, wire_frames_bytes(&s->head.pushes));
}
