/* dwarf_calls - see dwarf_calls.h. */
#include "symbols/dwarf_calls.h"

#include <dwarf.h>
#include <stdlib.h>

#include "format/array.h"
#include "symbols/dwarf_sibling.h"

/* The most blocks and calls inside each other: files may be hostile. */
#define DEPTH_MAX 400

/* The number of the new call; DWARF_CALL_NONE: there is no memory. */
static uint32_t add(struct dwarf_function *f, Dwarf_Die *die, uint32_t outer)
{
	Dwarf_Addr base, low, high;

	if (!ARRAY_ROOM(f->calls, f->room, (size_t)f->count + 1, 8))
		return DWARF_CALL_NONE;
	for (ptrdiff_t at = 0; (at = dwarf_ranges(die, at, &base, &low, &high)) > 0;) {
		if (!intervals_add(&f->ranges, low, high, f->count))
			return DWARF_CALL_NONE;
	}
	f->calls[f->count] = (struct dwarf_call){ .entry = die->addr, .outer = outer };
	return f->count++;
}

/* Reads the calls in `parent`: directly in it, in its blocks, and in each other. */
static bool collect(struct dwarf_function *f, Dwarf_Die *parent, uint32_t outer, int depth, const char **reached)
{
	Dwarf_Die die;
	bool ok = true;

	if (depth > DEPTH_MAX || dwarf_child(parent, &die) != 0)
		return true;
	do {
		uint32_t call = outer;

		switch (dwarf_tag(&die)) {
		case DW_TAG_inlined_subroutine:
			call = add(f, &die, outer);
			ok = call != DWARF_CALL_NONE && collect(f, &die, call, depth + 1, reached);
			break;
		case DW_TAG_lexical_block:
		case DW_TAG_try_block:
		case DW_TAG_catch_block:
			ok = collect(f, &die, outer, depth + 1, reached);
			break;
		default:
			break;
		}
	} while (ok && dwarf_sibling_next(&die, reached));
	return ok;
}

uint32_t dwarf_calls_find(struct dwarf_function *f, uint64_t address)
{
	uint32_t found;

	if (!f->collected) {
		(void)collect(f, &f->die, DWARF_CALL_NONE, 0, &(const char *){ NULL });
		intervals_sort(&f->ranges);
		f->collected = true;
	}
	found = intervals_find(&f->ranges, address);
	return found == INTERVAL_NONE ? DWARF_CALL_NONE : f->ranges.items[found].value;
}

Dwarf_Die dwarf_calls_die(const struct dwarf_function *f, uint32_t call)
{
	return (Dwarf_Die){ .addr = f->calls[call].entry, .cu = f->die.cu };
}

void dwarf_calls_finish(struct dwarf_function *f)
{
	free(f->calls);
	intervals_finish(&f->ranges);
	*f = (struct dwarf_function){ 0 };
}
