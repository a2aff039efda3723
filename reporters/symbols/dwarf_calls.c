/* dwarf_calls - see dwarf_calls.h. */
#include "symbols/dwarf_calls.h"

#include <dwarf.h>
#include <stdlib.h>

/* Blocks between two calls at most: files may be hostile. */
#define BLOCKS_MAX 100

static bool add(struct dwarf_call *c, Dwarf_Die *die)
{
	Dwarf_Addr base, low, high;

	if (c->count == c->room) {
		const uint32_t room = c->room ? c->room * 2 : 8;
		struct dwarf_call *const calls = reallocarray(c->calls, room, sizeof(*calls));

		if (!calls)
			return false;
		c->calls = calls;
		c->room = room;
	}
	for (ptrdiff_t at = 0; (at = dwarf_ranges(die, at, &base, &low, &high)) > 0;) {
		if (!intervals_add(&c->ranges, low, high, c->count))
			return false;
	}
	c->calls[c->count++] = (struct dwarf_call){ .die = *die };
	return true;
}

/* Those in `parent`, directly or within blocks of it. */
static bool collect(struct dwarf_call *c, Dwarf_Die *parent, int depth)
{
	Dwarf_Die die;
	bool ok = true;

	if (depth > BLOCKS_MAX || dwarf_child(parent, &die) != 0)
		return true;
	do {
		switch (dwarf_tag(&die)) {
		case DW_TAG_inlined_subroutine:
			ok = add(c, &die);
			break;
		case DW_TAG_lexical_block:
		case DW_TAG_try_block:
		case DW_TAG_catch_block:
			ok = collect(c, &die, depth + 1);
			break;
		default:
			break;
		}
	} while (ok && dwarf_siblingof(&die, &die) == 0);
	return ok;
}

struct dwarf_call *dwarf_call_at(struct dwarf_call *c, uint64_t address)
{
	uint32_t found;

	if (!c->collected) {
		(void)collect(c, &c->die, 0);
		intervals_sort(&c->ranges);
		c->collected = true;
	}
	found = intervals_find(&c->ranges, address);
	return found == INTERVAL_NONE ? NULL : &c->calls[c->ranges.items[found].value];
}

/* Depth is that of inlining, which the look-ups bound. */
void dwarf_call_finish(struct dwarf_call *c)
{
	for (uint32_t i = 0; i < c->count; i++)
		dwarf_call_finish(&c->calls[i]);
	free(c->calls);
	intervals_finish(&c->ranges);
	*c = (struct dwarf_call){ 0 };
}
