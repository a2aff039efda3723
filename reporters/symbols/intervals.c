/*
 * intervals - sorted ranges with a link to what may enclose them.
 *
 * After sorting by start, every range points at the top of the stack of ranges
 * that were still open where it starts. Whatever contains an address contains
 * the start of the last range that begins at or before it, so following the
 * links from there visits all of them.
 */
#include "symbols/intervals.h"

#include <stdlib.h>

#include "format/array.h"

/* The most links to follow: real code nests a few levels, hostile files nest without end. */
#define OUTER_MAX 512

bool intervals_add(struct intervals *t, uint64_t low, uint64_t high, uint32_t value)
{
	if (low >= high)
		return true;
	if (t->count == UINT32_MAX || !ARRAY_ROOM(t->items, t->room, t->count + 1, 4))
		return false;
	t->items[t->count++] = (struct interval){ low, high, value, INTERVAL_NONE };
	return true;
}

static int by_start(const void *a, const void *b)
{
	const struct interval *const x = a, *const y = b;

	if (x->low != y->low)
		return x->low < y->low ? -1 : 1;
	if (x->high != y->high)
		return x->high > y->high ? -1 : 1; /* the enclosing one first */
	return x->value < y->value ? -1 : x->value > y->value;
}

/* Ranges come sorted from a table that was sorted before, and from most compilers. */
static bool is_sorted(const struct intervals *t)
{
	for (uint32_t i = 1; i < t->count; i++)
		if (by_start(&t->items[i - 1], &t->items[i]) > 0)
			return false;
	return true;
}

void intervals_sort(struct intervals *t)
{
	uint32_t top = INTERVAL_NONE; /* the stack is linked by `outer` itself */

	if (!is_sorted(t))
		qsort(t->items, t->count, sizeof(*t->items), by_start);
	for (uint32_t i = 0; i < t->count; i++) {
		while (top != INTERVAL_NONE && t->items[top].high <= t->items[i].low)
			top = t->items[top].outer;
		t->items[i].outer = top;
		top = i;
	}
}

static uint32_t containing(const struct intervals *t, uint32_t i, uint64_t address)
{
	for (unsigned n = 0; i != INTERVAL_NONE && n < OUTER_MAX; n++) {
		if (address < t->items[i].high)
			return i;
		i = t->items[i].outer;
	}
	return INTERVAL_NONE;
}

uint32_t intervals_find(const struct intervals *t, uint64_t address)
{
	uint32_t low = 0, high = t->count; /* items[low - 1] starts at or before the address */

	while (low < high) {
		const uint32_t middle = low + (high - low) / 2;

		if (t->items[middle].low <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low ? containing(t, low - 1, address) : INTERVAL_NONE;
}

uint32_t intervals_next(const struct intervals *t, uint32_t index, uint64_t address)
{
	return containing(t, t->items[index].outer, address);
}

void intervals_finish(struct intervals *t)
{
	if (!t)
		return;
	free(t->items);
	*t = (struct intervals){ 0 };
}
