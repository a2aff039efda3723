/*
 * dwarf_scopes - the namespaces, classes and functions that a function is declared in.
 *
 * Compilers leave out the linkage name of a function that other files cannot call, and libdw knows no
 * parents. So the entries of a unit are read once, and the scope of each function in it is kept.
 */
#ifndef SYMBOLS_DWARF_SCOPES_H
#define SYMBOLS_DWARF_SCOPES_H

#include <elfutils/libdw.h>

#include "symbols/arena.h"

struct dwarf_scopes {
	struct unit_scopes *units;
	uint32_t count, room;
};

/*
 * The whole name of a function without a linkage name, as a demangler would write it without the parameters:
 * "app::(anonymous namespace)::Hidden::make", "app::run()::{lambda(int)#1}::operator()". NULL: the bare name is the
 * whole one (C, the outermost scope), or there is no memory. Lives as long as `arena`.
 */
const char *dwarf_scopes_name(struct dwarf_scopes *s, Dwarf_Die *function, struct arena *arena);
void dwarf_scopes_finish(struct dwarf_scopes *s);

#endif
