/*
 * made_code - see made_code.h.
 *
 * `pieces` holds everything that ever took effect, in order. What is there now is in a treap of disjoint ranges: a
 * search tree over their starts that is also a heap over random numbers, and therefore balanced for any input. A new
 * piece cuts out what it overlaps and takes its place.
 */
#include "symbols/made_code.h"

#include "format/array.h"

#include <stdlib.h>
#include <string.h>

#include "format/mix.h"
#include "format/trk.h"
#include "symbols/arena.h"

#define NONE 0u
/* So many generations are searched for a name, if the frame was recorded before the program told of its code. */
#define LATE_GENERATIONS 64u

struct piece {
	uint64_t start, end;
	const char *name;
	uint32_t generation;
};

struct range {
	uint64_t start, end;
	uint32_t piece, priority;
	uint32_t left, right; /* NONE; in a free range, left is the next free one */
};

/* What will take effect. */
struct pending {
	uint64_t time_ns, start, size, from;
	const char *name; /* NULL: what stands at `from` moves */
};

struct made_code {
	struct made_code *inherited;
	struct arena names;
	size_t bytes; /* of names and pieces */
	uint64_t left_out;

	struct pending *pending;
	size_t pending_at, pending_count, pending_room;

	struct piece *pieces;
	uint32_t piece_count, piece_room, sorted_count; /* sorted for look-ups when it had so many */
	uint32_t changes, high_generation;

	struct range *ranges; /* [0] is no range */
	uint32_t range_count, range_room, free, root;
};

int made_code_new(struct made_code **ret)
{
	struct made_code *const c = calloc(1, sizeof(*c));

	if (!c)
		return TRK_ERR_NOMEM;
	c->range_count = 1;
	*ret = c;
	return 0;
}

void made_code_free(struct made_code *c)
{
	if (!c)
		return;
	arena_finish(&c->names);
	free(c->pending);
	free(c->pieces);
	free(c->ranges);
	free(c);
}

void made_code_inherit(struct made_code *c, struct made_code *from)
{
	c->inherited = from;
}

uint64_t made_code_left_out(const struct made_code *c)
{
	return c->left_out;
}

/* ---- what is to come ---- */

static bool leave_out(struct made_code *c)
{
	c->left_out++;
	return false;
}

static bool makes_sense(uint64_t start, uint64_t size)
{
	return size && start && start < 1ull << MADE_CODE_ADDRESS_BITS && size <= (1ull << MADE_CODE_ADDRESS_BITS) - start;
}

static bool push(struct made_code *c, const struct pending *p)
{
	if (c->pending_at == c->pending_count)
		c->pending_at = c->pending_count = 0;
	if (c->piece_count + (c->pending_count - c->pending_at) >= MADE_CODE_PIECES_MAX)
		return leave_out(c);
	if (!ARRAY_ROOM(c->pending, c->pending_room, c->pending_count + 1, 64))
		return leave_out(c);
	c->pending[c->pending_count++] = *p;
	return true;
}

/* A name without control characters, because reports print it in a line. */
static const char *keep_name(struct made_code *c, const char *name, size_t bytes)
{
	char *copy;

	if (bytes > MADE_CODE_NAME_MAX)
		bytes = MADE_CODE_NAME_MAX;
	if (c->bytes + bytes + sizeof(struct piece) > MADE_CODE_BYTES_MAX)
		return NULL;
	copy = arena_room(&c->names, bytes + 1);
	if (!copy)
		return NULL;
	for (size_t i = 0; i < bytes; i++)
		copy[i] = (uint8_t)name[i] < 0x20 || name[i] == 0x7f ? '?' : name[i];
	copy[bytes] = 0;
	c->bytes += bytes + 1 + sizeof(struct piece);
	return copy;
}

bool made_code_add(struct made_code *c, uint64_t time_ns, uint64_t start, uint64_t size, const char *name,
		   size_t name_bytes)
{
	struct pending p = { .time_ns = time_ns, .start = start, .size = size };

	if (!makes_sense(start, size) || !name_bytes)
		return false;
	p.name = keep_name(c, name, name_bytes);
	return p.name ? push(c, &p) : leave_out(c);
}

bool made_code_move(struct made_code *c, uint64_t time_ns, uint64_t from, uint64_t to, uint64_t size)
{
	return makes_sense(to, size) &&
	       push(c, &(struct pending){ .time_ns = time_ns, .start = to, .size = size, .from = from });
}

/* ---- the treap ---- */

/* Makes room for `count` more ranges, because a change must not fail in the middle. */
static bool reserve(struct made_code *c, uint32_t count)
{
	return ARRAY_ROOM(c->ranges, c->range_room, c->range_count + count, 64);
}

static uint32_t new_range(struct made_code *c, uint64_t start, uint64_t end, uint32_t piece)
{
	const uint32_t i = c->free ? c->free : c->range_count++;

	if (i == c->free)
		c->free = c->ranges[i].left;
	c->ranges[i] = (struct range){ .start = start, .end = end, .piece = piece, .priority = (uint32_t)trk_mix_bytes(&i, sizeof(i)) };
	return i;
}

/* Divides `tree` into the ranges that start before `at`, and the others. */
static void split(struct made_code *c, uint32_t tree, uint64_t at, uint32_t *ret_before, uint32_t *ret_rest)
{
	uint32_t *before = ret_before, *rest = ret_rest;

	while (tree) {
		struct range *const r = &c->ranges[tree];

		if (r->start < at) {
			*before = tree;
			before = &r->right;
			tree = r->right;
		} else {
			*rest = tree;
			rest = &r->left;
			tree = r->left;
		}
	}
	*before = *rest = NONE;
}

/* Joins two trees; all of `a` is before all of `b`. */
static uint32_t join(struct made_code *c, uint32_t a, uint32_t b)
{
	uint32_t root = NONE, *place = &root;

	while (a && b) {
		if (c->ranges[a].priority > c->ranges[b].priority) {
			*place = a;
			place = &c->ranges[a].right;
			a = *place;
		} else {
			*place = b;
			place = &c->ranges[b].left;
			b = *place;
		}
	}
	*place = a ? a : b;
	return root;
}

/* The range that has `address` in it; NONE. */
static uint32_t find(const struct made_code *c, uint64_t address)
{
	uint32_t found = NONE;

	for (uint32_t i = c->root; i;) {
		if (c->ranges[i].start <= address) {
			found = i;
			i = c->ranges[i].right;
		} else {
			i = c->ranges[i].left;
		}
	}
	return found && address < c->ranges[found].end ? found : NONE;
}

/* Gives the ranges of `tree` back. Returns the generation of the code that replaces them. */
static uint32_t drop(struct made_code *c, uint32_t tree, uint32_t generation)
{
	/* the tree becomes a list on the way, so no stack is needed */
	while (tree) {
		struct range *const r = &c->ranges[tree];
		const uint32_t left = r->left, right = r->right;

		if (left) { /* rotates, so that nothing is on the left */
			r->left = c->ranges[left].right;
			c->ranges[left].right = tree;
			tree = left;
			continue;
		}
		if (c->pieces[r->piece].generation >= generation)
			generation = c->pieces[r->piece].generation + 1;
		r->left = c->free;
		c->free = tree;
		tree = right;
	}
	return generation;
}

/* Makes `start` a border of ranges: none lies on both sides. */
static void cut_at(struct made_code *c, uint64_t at)
{
	const uint32_t i = find(c, at);
	uint32_t before, rest;

	if (!i || c->ranges[i].start == at)
		return;
	const uint32_t tail = new_range(c, at, c->ranges[i].end, c->ranges[i].piece);

	c->ranges[i].end = at;
	split(c, c->root, at, &before, &rest);
	c->root = join(c, join(c, before, tail), rest);
}

/* ---- taking effect ---- */

static bool reserve_piece(struct made_code *c)
{
	return ARRAY_ROOM(c->pieces, c->piece_room, c->piece_count + 1, 64);
}

/* A map that is written anew repeats what it said before. */
static bool is_there(const struct made_code *c, uint64_t start, uint64_t end, const char *name)
{
	const uint32_t i = find(c, start);

	return i && c->ranges[i].start == start && c->ranges[i].end == end &&
	       !strcmp(c->pieces[c->ranges[i].piece].name, name);
}

static void place(struct made_code *c, uint64_t start, uint64_t end, const char *name)
{
	uint32_t before, rest, within;

	if (is_there(c, start, end, name))
		return;
	if (!reserve_piece(c) || !reserve(c, 3)) {
		c->left_out++;
		return;
	}
	cut_at(c, start);
	cut_at(c, end);
	split(c, c->root, start, &before, &rest);
	split(c, rest, end, &within, &rest);
	c->changes += within != NONE;
	const uint32_t after = drop(c, within, 0);
	const uint32_t generation = after < MADE_CODE_GENERATION_MAX ? after : MADE_CODE_GENERATION_MAX;

	if (generation > c->high_generation)
		c->high_generation = generation;
	c->pieces[c->piece_count] = (struct piece){ start, end, name, generation };
	c->root = join(c, join(c, before, new_range(c, start, end, c->piece_count++)), rest);
}

static void take_effect(struct made_code *c, const struct pending *p)
{
	const char *name = p->name;

	if (!name) {
		const uint32_t i = find(c, p->from);

		if (!i)
			return;
		name = c->pieces[c->ranges[i].piece].name;
	}
	place(c, p->start, p->start + p->size, name);
}

uint32_t made_code_advance(struct made_code *c, uint64_t time_ns)
{
	while (c->pending_at < c->pending_count && c->pending[c->pending_at].time_ns < time_ns)
		take_effect(c, &c->pending[c->pending_at++]);
	return c->changes;
}

uint64_t made_code_offset(const struct made_code *c, uint64_t address)
{
	uint32_t i = find(c, address - 1);

	if (!i)
		i = find(c, address);
	if (!i && c->inherited)
		return made_code_offset(c->inherited, address);
	return address | (i ? (uint64_t)c->pieces[c->ranges[i].piece].generation << MADE_CODE_ADDRESS_BITS : 0);
}

/* ---- names ---- */

static int by_generation_and_start(const void *a, const void *b)
{
	const struct piece *const x = a, *const y = b;

	if (x->generation != y->generation)
		return x->generation < y->generation ? -1 : 1;
	return (x->start > y->start) - (x->start < y->start);
}

/* The order is no longer the one of time, and the present ranges are forgotten. */
static void sort(struct made_code *c)
{
	if (c->sorted_count == c->piece_count)
		return;
	if (c->piece_count)
		qsort(c->pieces, c->piece_count, sizeof(*c->pieces), by_generation_and_start);
	c->sorted_count = c->piece_count;
	c->root = NONE;
}

static const char *name_in(const struct made_code *c, uint32_t generation, uint64_t address)
{
	size_t low = 0, high = c->sorted_count;

	while (low < high) { /* the first behind it */
		const size_t middle = low + (high - low) / 2;
		const struct piece *const p = &c->pieces[middle];

		if (p->generation < generation || (p->generation == generation && p->start <= address))
			low = middle + 1;
		else
			high = middle;
	}
	const struct piece *const p = low ? &c->pieces[low - 1] : NULL;

	return p && p->generation == generation && address < p->end ? p->name : NULL;
}

static const char *name_at(struct made_code *c, uint32_t generation, uint64_t address)
{
	const char *name;

	sort(c);
	name = name_in(c, generation, address);
	for (uint32_t g = 1; !name && !generation && g <= c->high_generation && g < LATE_GENERATIONS; g++)
		name = name_in(c, g, address);
	return name;
}

const char *made_code_name(struct made_code *c, uint64_t offset)
{
	const uint64_t address = offset & ((1ull << MADE_CODE_ADDRESS_BITS) - 1);
	const uint32_t generation = (uint32_t)(offset >> MADE_CODE_ADDRESS_BITS);
	const char *name = NULL;

	for (; c && !name; c = c->inherited)
		name = name_at(c, generation, address);
	return name;
}

const char *made_code_name_now(const struct made_code *c, uint64_t offset)
{
	const uint64_t address = offset & ((1ull << MADE_CODE_ADDRESS_BITS) - 1);
	const uint32_t generation = (uint32_t)(offset >> MADE_CODE_ADDRESS_BITS);
	const char *name = NULL;

	for (; c && !name; c = c->inherited) {
		const uint32_t i = find(c, address);
		const struct piece *const p = i ? &c->pieces[c->ranges[i].piece] : NULL;

		if (p && (p->generation == generation || !generation))
			name = p->name;
	}
	return name;
}
