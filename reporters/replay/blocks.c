/* blocks - growing, adding and removing; see blocks.h. */
#include "replay/blocks.h"

#include <stdlib.h>
#include <string.h>

#include "format/array.h"
#include "format/large.h"

#define SMALLEST_TABLE_LOG2 6u
#define SPARSE_TABLE_LOG2 16u /* up to this size it costs less to be sparse than to guess wrong whether the next place is free */
#define SMALLEST_PIECE 32u /* slots */

static size_t table_bytes(const struct blocks *s)
{
	return s->table ? sizeof(*s->table) << (32 - s->shift) : 0;
}

void blocks_finish(struct blocks *s)
{
	const uint64_t piece = s->slot_room < BLOCKS_PIECE ? s->slot_room : BLOCKS_PIECE;

	for (uint32_t i = 0; i * (uint64_t)BLOCKS_PIECE < s->slot_room; i++)
		large_free(s->pieces[i], piece * sizeof(struct block));
	free(s->pieces);
	large_free(s->table, table_bytes(s));
	free(s->recent);
	briefs_finish(&s->briefs);
	*s = (struct blocks){ .ages = s->ages };
}

static void table_put(struct blocks *s, uint32_t hash, uint32_t slot)
{
	uint32_t i = hash >> s->shift;

	while (s->table[i])
		i = (i + 1) & s->mask;
	s->table[i] = (uint64_t)hash << 32 | (slot + 1);
}

/* Moves later entries of the run up, so that no probe meets a hole. */
void blocks_clear_place(struct blocks *s, uint32_t place)
{
	const uint32_t mask = s->mask;
	uint32_t hole = place;

	for (uint32_t i = (place + 1) & mask; s->table[i]; i = (i + 1) & mask) {
		const uint32_t home = (uint32_t)(s->table[i] >> 32) >> s->shift;

		/* An entry may move up to its home, not before it. */
		if (((i - home) & mask) >= ((i - hole) & mask)) {
			s->table[hole] = s->table[i];
			hole = i;
		}
	}
	s->table[hole] = 0;
}

static __attribute__((noinline)) int table_grow(struct blocks *s)
{
	const uint32_t log2 = s->table ? 32 - s->shift + 1 : SMALLEST_TABLE_LOG2;
	struct blocks grown = *s;

	if (log2 > 31)
		return TRK_ERR_NOMEM;
	grown.shift = 32 - log2;
	grown.mask = (uint32_t)((1ull << log2) - 1);
	grown.most = grown.mask / (log2 <= SPARSE_TABLE_LOG2 ? 4 : 2);
	grown.table = large_zeroes(sizeof(*grown.table) << log2);
	if (!grown.table)
		return TRK_ERR_NOMEM;
	for (uint64_t i = 0; s->table && i <= s->mask; i++) {
		if (s->table[i])
			table_put(&grown, (uint32_t)(s->table[i] >> 32),
				  (uint32_t)s->table[i] - 1);
	}
	large_free(s->table, table_bytes(s));
	*s = grown;
	return 0;
}

/* The first part grows by halves, to its full size. */
static bool grow_first(struct blocks *s)
{
	uint32_t room = s->slot_room ? s->slot_room + s->slot_room / 2 : SMALLEST_PIECE;
	struct block *slots;

	if (room < BLOCKS_PIECE) {
		slots = realloc(s->pieces[0], room * sizeof(*slots));
	} else {
		room = BLOCKS_PIECE;
		slots = large_zeroes(room * sizeof(*slots));
		if (slots) {
			memcpy(slots, s->pieces[0], s->slot_count * sizeof(*slots));
			free(s->pieces[0]);
		}
	}
	if (!slots)
		return false;
	s->pieces[0] = slots;
	s->slot_room = room;
	return true;
}

/* All slots are in use: makes more. False: no memory. */
static bool more_slots(struct blocks *s)
{
	const uint32_t piece = s->slot_room / BLOCKS_PIECE;

	if (!ARRAY_ZEROES(s->pieces, s->piece_room, (size_t)piece + 1, 1))
		return false;
	if (!piece)
		return grow_first(s);
	s->pieces[piece] = s->slot_room <= UINT32_MAX - 2 * BLOCKS_PIECE ?
				   large_zeroes(BLOCKS_PIECE * sizeof(struct block)) :
				   NULL;
	s->slot_room += s->pieces[piece] ? BLOCKS_PIECE : 0;
	return s->pieces[piece];
}

/* The slot that was freed last is most likely still in the cache. NULL: there is no memory. */
static inline struct block *take_slot(struct blocks *s, uint32_t *ret_slot)
{
	if (s->free_slot) {
		struct block *const b = blocks_slot(s, s->free_slot - 1);

		*ret_slot = s->free_slot - 1;
		s->free_slot = (uint32_t)b->b.number;
		s->live++;
		return b;
	}
	if (s->slot_count == s->slot_room && !more_slots(s))
		return NULL;
	s->live++;
	*ret_slot = s->slot_count++;
	return blocks_slot(s, *ret_slot);
}

static inline int table_room(struct blocks *s)
{
	return s->used >= s->most ? table_grow(s) : 0;
}

struct block *blocks_add(struct blocks *s, uint32_t space, uint64_t address, uint32_t *ret_there)
{
	const uint32_t hash = blocks_hash(space, address);
	uint32_t i, slot;

	*ret_there = BLOCKS_NONE;
	if (table_room(s) != 0)
		return NULL;
	for (i = hash >> s->shift; s->table[i]; i = (i + 1) & s->mask) {
		if (blocks_is(s, s->table[i], hash, space, address)) {
			*ret_there = i;
			return NULL;
		}
	}

	struct block *const b = take_slot(s, &slot);

	if (!b)
		return NULL;
	s->table[i] = (uint64_t)hash << 32 | (slot + 1);
	s->used++;
	b->b.address = address;
	b->space = space;
	return b;
}

static inline void give_slot(struct blocks *s, uint32_t slot, struct block *b)
{
	b->b.kind = 0;
	b->b.number = s->free_slot;
	s->free_slot = slot + 1;
	s->live--;
}

void blocks_remove(struct blocks *s, uint32_t place)
{
	const uint32_t slot = (uint32_t)s->table[place] - 1;

	blocks_clear_place(s, place);
	give_slot(s, slot, blocks_slot(s, slot));
	s->used--;
}

/* For a loose block: the ring has it. */
static uint32_t slot_of(const struct blocks *s, const struct block *b)
{
	return s->recent[b->b.number % BLOCKS_RECENT] - 1;
}

void blocks_remove_loose(struct blocks *s, struct block *b)
{
	give_slot(s, slot_of(s, b), b);
}

/* ---- loose ones ---- */

/* Whether sums need only what a brief entry has: its thread has allocated too much since for it to be temporary. */
static inline bool may_be_brief(const struct blocks *s, const struct block *b)
{
	return s->ages && b->b.size <= UINT32_MAX &&
	       s->ages->allocations[b->b.thread] - b->thread_number - 1 > s->ages->threshold;
}

static int make_brief(struct blocks *s, struct block *b)
{
	if (briefs_add(&s->briefs, &(struct brief){ .address = b->b.address, .size = (uint32_t)b->b.size, .user = b->b.user }) != 0)
		return TRK_ERR_NOMEM;
	blocks_remove_loose(s, b);
	return 0;
}

static int settle(struct blocks *s, struct block *b)
{
	if (may_be_brief(s, b))
		return make_brief(s, b);
	if (table_room(s) != 0)
		return TRK_ERR_NOMEM;
	b->space = BLOCKS_DOMAIN(0);
	table_put(s, blocks_hash(b->space, b->b.address), slot_of(s, b));
	s->used++;
	return 0;
}

/* A hint: where the block of that number will be put, if it is loose. */
__attribute__((always_inline)) static inline void expect_settled(const struct blocks *s, uint64_t number)
{
	const uint32_t slot = s->recent[number % BLOCKS_RECENT];
	const struct block *const b = blocks_slot(s, slot ? slot - 1 : 0);

	if (slot && b->b.kind && b->space == BLOCKS_LOOSE)
		blocks_expect(s, BLOCKS_DOMAIN(0), b->b.address);
}

int blocks_settle(struct blocks *s)
{
	uint64_t n = s->newest > BLOCKS_RECENT ? s->newest - BLOCKS_RECENT : 0;

	for (n = n > s->settled ? n : s->settled; n < s->newest; n++) {
		struct block *const b = blocks_recent(s, n + 1);

		if (n + 16 < s->newest)
			expect_settled(s, n + 17);
		if (b && b->space == BLOCKS_LOOSE && settle(s, b) != 0)
			return TRK_ERR_NOMEM;
	}
	s->settled = s->newest;
	return 0;
}

void blocks_move(struct blocks *s, uint32_t place, uint32_t space)
{
	const uint32_t slot = (uint32_t)s->table[place] - 1;
	struct block *const b = blocks_slot(s, slot);

	blocks_clear_place(s, place);
	b->space = space;
	table_put(s, blocks_hash(space, b->b.address), slot);
}

/* Hints, a few allocations ahead, for blocks that the ring will forget: the slot, then its place in its table. */
__attribute__((always_inline)) static inline void expect_forgotten(const struct blocks *s, uint64_t number)
{
	if (number <= BLOCKS_RECENT || blocks_settled(s) < BLOCKS_FEW)
		return;

	const uint32_t later = s->recent[(number + 64) % BLOCKS_RECENT];

	__builtin_prefetch(blocks_slot(s, later ? later - 1 : 0));
	expect_settled(s, number + 32);
}

/* The place of the number in the ring is needed: the block that stands there goes into the table. */
static int forget(struct blocks *s, uint64_t number)
{
	struct block *const b = number > BLOCKS_RECENT ? blocks_recent(s, number - BLOCKS_RECENT) : NULL;

	if (b && b->space == BLOCKS_LOOSE && settle(s, b) != 0)
		return TRK_ERR_NOMEM;
	return number == s->newest + 1 ? 0 : blocks_settle(s); /* numbers are missing: the ring starts anew */
}

struct block *blocks_add_loose(struct blocks *s, uint64_t address, uint64_t number)
{
	uint32_t slot;

	if (!s->recent)
		s->recent = calloc(BLOCKS_RECENT, sizeof(*s->recent));
	if (!s->recent)
		return NULL;
	expect_forgotten(s, number);
	if (forget(s, number) != 0)
		return NULL;

	struct block *const b = take_slot(s, &slot);

	if (!b)
		return NULL;
	s->recent[number % BLOCKS_RECENT] = slot + 1;
	s->newest = number;
	b->b.address = address;
	b->space = BLOCKS_LOOSE;
	return b;
}
