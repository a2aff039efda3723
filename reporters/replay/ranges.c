/* ranges - a treap of pieces over flat arrays; see ranges.h. */
#include "replay/ranges.h"

#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "format/array.h"

void ranges_finish(struct ranges *r)
{
	free(r->pieces);
	free(r->mappings);
	*r = (struct ranges){ 0 };
}

/* The start of a sequence that somebody who chose the addresses cannot have known. Not 0. */
static uint32_t random_start(void)
{
	uint32_t x = 0;

	if (getrandom(&x, sizeof(x), GRND_NONBLOCK) != sizeof(x))
		x = (uint32_t)getpid() * 2654435761u;
	return x ? x : 1;
}

/*
 * Any sequence serves that is unrelated to addresses: a capture whose addresses follow it would make
 * the tree a list, too deep for recursion. xorshift32.
 */
static uint32_t next_priority(struct ranges *r)
{
	uint32_t x = r->random ? r->random : random_start();

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return r->random = x;
}

static uint32_t take_piece(struct ranges *r)
{
	uint32_t i = r->free_piece;

	if (i) {
		r->free_piece = r->pieces[i].left;
		return i;
	}
	if (r->count == r->room) {
		/* by half of what there is, not as format/array.h: programs keep thousands of mappings for long */
		const uint32_t room = r->room ? r->room + r->room / 2 : 32;
		struct range *pieces = realloc(r->pieces, (size_t)room * sizeof(*pieces));

		if (!pieces)
			return 0;
		r->pieces = pieces;
		r->room = room;
	}
	if (r->count == 0)
		r->pieces[r->count++] = (struct range){ 0 };
	return r->count++;
}

static void give_piece(struct ranges *r, uint32_t i)
{
	r->pieces[i].left = r->free_piece;
	r->free_piece = i;
}

/* A mapping of one piece; its number + 1, 0: no memory. */
static uint32_t take_mapping(struct ranges *r)
{
	uint32_t i = r->free_mapping;

	if (i) {
		r->free_mapping = r->mappings[i - 1];
	} else {
		if (!ARRAY_ROOM(r->mappings, r->mapping_room, (size_t)r->mapping_count + 1, 32))
			return 0;
		i = ++r->mapping_count;
	}
	r->mappings[i - 1] = 1;
	return i;
}

/* One piece less; true when it was the last. */
static bool shrink_mapping(struct ranges *r, uint32_t mapping)
{
	if (--r->mappings[mapping - 1] > 0)
		return false;
	r->mappings[mapping - 1] = r->free_mapping;
	r->free_mapping = mapping;
	return true;
}

/* Splits a tree into pieces that begin before `address` and the others. */
static void split(struct ranges *r, uint32_t tree, uint64_t address, uint32_t *ret_before,
		  uint32_t *ret_after)
{
	uint32_t part;

	if (!tree) {
		*ret_before = *ret_after = 0;
	} else if (r->pieces[tree].block.address < address) {
		split(r, r->pieces[tree].right, address, &part, ret_after);
		r->pieces[tree].right = part;
		*ret_before = tree;
	} else {
		split(r, r->pieces[tree].left, address, ret_before, &part);
		r->pieces[tree].left = part;
		*ret_after = tree;
	}
}

/* Joins two trees, all of `a` before all of `b`. */
static uint32_t join(struct ranges *r, uint32_t a, uint32_t b)
{
	if (!a || !b)
		return a ? a : b;
	if (r->pieces[a].priority > r->pieces[b].priority) {
		r->pieces[a].right = join(r, r->pieces[a].right, b);
		return a;
	}
	r->pieces[b].left = join(r, a, r->pieces[b].left);
	return b;
}

static void insert(struct ranges *r, uint32_t *root, uint32_t piece)
{
	uint32_t before, after;

	split(r, *root, r->pieces[piece].block.address, &before, &after);
	*root = join(r, join(r, before, piece), after);
}

static void take_out(struct ranges *r, uint32_t *root, uint32_t piece)
{
	const uint64_t address = r->pieces[piece].block.address;
	uint32_t before, rest, self, after;

	split(r, *root, address, &before, &rest);
	split(r, rest, address + 1, &self, &after);
	*root = join(r, before, after);
}

/* The first piece that ends after `address`; 0: none. */
static uint32_t first_after(const struct ranges *r, uint32_t root, uint64_t address)
{
	uint32_t best = 0;

	while (root) {
		if (r->pieces[root].end > address) {
			best = root;
			root = r->pieces[root].left;
		} else {
			root = r->pieces[root].right;
		}
	}
	return best;
}

static uint32_t new_piece(struct ranges *r, const struct heap_block *b, uint64_t end,
			  uint64_t asked, uint32_t mapping)
{
	const uint32_t i = take_piece(r);

	if (i)
		r->pieces[i] = (struct range){
			.block = *b,
			.end = end,
			.asked = asked,
			.mapping = mapping,
			.priority = next_priority(r),
		};
	return i;
}

struct heap_block *ranges_add(struct ranges *r, uint32_t *root, const struct heap_block *b,
			      uint64_t end)
{
	const uint32_t mapping = take_mapping(r);
	uint32_t i;

	if (!mapping)
		return NULL;
	i = new_piece(r, b, end, b->size, mapping);
	if (!i)
		return NULL;
	insert(r, root, i);
	return &r->pieces[i].block;
}

uint32_t ranges_restore(struct ranges *r, uint32_t *root, const struct heap_block *b, uint64_t end,
			uint64_t asked, uint32_t before)
{
	const uint32_t mapping = before ? r->pieces[before].mapping : take_mapping(r);
	const uint32_t i = mapping ? new_piece(r, b, end, asked, mapping) : 0;

	if (!i)
		return 0;
	if (before)
		r->mappings[mapping - 1]++;
	insert(r, root, i);
	return i;
}

/* Requested bytes of [start, end) that lie in the piece. */
static uint64_t bytes_within(const struct heap_block *b, uint64_t start, uint64_t end)
{
	const uint64_t stop = b->address + b->size;

	start = start > b->address ? start : b->address;
	end = end < stop ? end : stop;
	return end > start ? end - start : 0;
}

/* The part of a piece from `start` on becomes a piece of its own. */
static int split_off(struct ranges *r, uint32_t *root, uint32_t piece, uint64_t start)
{
	const struct range old = r->pieces[piece];
	struct heap_block rest = old.block;
	uint32_t i;

	rest.address = start;
	rest.size = bytes_within(&old.block, start, old.end);
	i = new_piece(r, &rest, old.end, old.asked, old.mapping);
	if (!i)
		return TRK_ERR_NOMEM;
	r->mappings[old.mapping - 1]++;
	r->pieces[piece].end = start;
	r->pieces[piece].block.size = bytes_within(&old.block, old.block.address, start);
	insert(r, root, i);
	return 0;
}

int ranges_cut(struct ranges *r, uint32_t *root, uint64_t start, uint64_t end, ranges_cut_fn f,
	       void *data)
{
	uint32_t i;

	while ((i = first_after(r, *root, start)) && r->pieces[i].block.address < end) {
		const struct heap_block was = r->pieces[i].block;
		struct range *p = &r->pieces[i];
		bool whole = false;

		if (p->end > end && split_off(r, root, i, end) != 0)
			return TRK_ERR_NOMEM;
		p = &r->pieces[i];
		if (was.address >= start) {
			whole = shrink_mapping(r, p->mapping);
			take_out(r, root, i);
			give_piece(r, i);
		} else {
			p->block.size = bytes_within(&was, was.address, start);
			p->end = start;
		}
		f(data, &was, bytes_within(&was, start, end), whole);
	}
	return 0;
}

int ranges_isolate(struct ranges *r, uint32_t *root, uint64_t start, uint64_t end, struct range **ret)
{
	uint32_t i = first_after(r, *root, start);

	*ret = NULL;
	if (!i || r->pieces[i].block.address >= end)
		return 0;
	if (r->pieces[i].block.address < start) {
		if (split_off(r, root, i, start) != 0)
			return TRK_ERR_NOMEM;
		i = first_after(r, *root, start);
	}
	if (r->pieces[i].end > end && split_off(r, root, i, end) != 0)
		return TRK_ERR_NOMEM;
	*ret = &r->pieces[i];
	return 0;
}

static bool alike(const struct heap_block *a, const struct heap_block *b)
{
	return a->untouched == b->untouched && a->user == b->user && a->restored == b->restored;
}

void ranges_join(struct ranges *r, uint32_t *root, uint64_t address)
{
	const uint32_t second = first_after(r, *root, address);
	const uint32_t first = address ? first_after(r, *root, address - 1) : 0;
	struct range *const a = &r->pieces[first], *const b = &r->pieces[second];

	if (!first || first == second || b->block.address != address || a->end != address ||
	    a->mapping != b->mapping || a->block.address + a->block.size != address ||
	    !alike(&a->block, &b->block))
		return;
	take_out(r, root, second);
	a->block.size += b->block.size;
	a->end = b->end;
	shrink_mapping(r, b->mapping);
	give_piece(r, second);
}

const struct range *ranges_after(const struct ranges *r, uint32_t root, uint64_t address)
{
	const uint32_t i = first_after(r, root, address);

	return i ? &r->pieces[i] : NULL;
}

bool ranges_meet(const struct ranges *r, uint32_t root, uint64_t start, uint64_t end)
{
	const uint32_t i = first_after(r, root, start);

	return i && r->pieces[i].block.address < end;
}

int ranges_each(const struct ranges *r, uint32_t root,
		int (*f)(void *data, const struct heap_block *b), void *data)
{
	int stop = 0;

	if (!root)
		return 0;
	stop = ranges_each(r, r->pieces[root].left, f, data);
	if (!stop)
		stop = f(data, &r->pieces[root].block);
	return stop ? stop : ranges_each(r, r->pieces[root].right, f, data);
}
