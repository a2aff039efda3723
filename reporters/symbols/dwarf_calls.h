/*
 * dwarf_calls - the calls that were inlined into a function, and into those.
 *
 * A function's entries are read once, however many addresses of it are asked for: a large one has
 * thousands of entries that are no inlined calls.
 */
#ifndef SYMBOLS_DWARF_CALLS_H
#define SYMBOLS_DWARF_CALLS_H

#include <elfutils/libdw.h>

#include "symbols/intervals.h"

struct dwarf_call {
	Dwarf_Die die; /* a function, or a call inlined into one */
	struct dwarf_call *calls; /* inlined directly into this one; once they were asked for */
	struct intervals ranges;  /* of calls, by index */
	uint32_t count, room;
	bool collected;
};

/* The call at the address that was inlined directly into `c`; NULL: none. Out of memory: those found so far. */
struct dwarf_call *dwarf_call_at(struct dwarf_call *c, uint64_t address);
void dwarf_call_finish(struct dwarf_call *c); /* zero-safe */

#endif
