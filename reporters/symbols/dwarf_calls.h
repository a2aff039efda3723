/*
 * dwarf_calls - the calls that were inlined into a function, and into those calls.
 *
 * A function's entries are read once, however many of its addresses are looked up, because a large function has
 * thousands of entries that are not inlined calls. All calls are in one table of small elements, because a program has
 * millions of them.
 */
#ifndef SYMBOLS_DWARF_CALLS_H
#define SYMBOLS_DWARF_CALLS_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stdint.h>

#include "symbols/intervals.h"

#define DWARF_CALL_NONE UINT32_MAX

/* What is known of a call, or of the function itself, after it was asked for. */
struct dwarf_facts {
	const char *name;
	const char *file; /* where the function into which it was inlined calls it */
	uint32_t line;
	bool known, linkage; /* linkage: the name is a linkage name */
};

struct dwarf_call {
	void *entry; /* of its Dwarf_Die, in the unit of the function */
	uint32_t outer; /* the call that it was inlined into; DWARF_CALL_NONE: the function */
	struct dwarf_facts facts;
};

struct dwarf_function {
	Dwarf_Die die;
	struct dwarf_facts facts;
	struct intervals ranges; /* of calls, by index into them */
	struct dwarf_call *calls;
	uint32_t count, room;
	bool collected;
};

/* The innermost call at the address; DWARF_CALL_NONE: nothing is inlined there. */
uint32_t dwarf_calls_find(struct dwarf_function *f, uint64_t address);
/* For libdw's functions. */
Dwarf_Die dwarf_calls_die(const struct dwarf_function *f, uint32_t call);
void dwarf_calls_finish(struct dwarf_function *f);

#endif
