/* dwarf_sibling - the entries of debug information one after another; a damaged file cannot lead a walk in circles, or twice through the same ones. */
#ifndef SYMBOLS_DWARF_SIBLING_H
#define SYMBOLS_DWARF_SIBLING_H

#include <elfutils/libdw.h>
#include <stdbool.h>

/*
 * Makes of the entry its next sibling. *reached: NULL at first, then the last entry that the walk has seen, those inside of others included:
 * where a sibling does not stand behind it, the walk ends.
 */
static inline bool dwarf_sibling_next(Dwarf_Die *die, const char **reached)
{
	const char *const at = die->addr;

	if (!*reached || at > *reached)
		*reached = at;
	return dwarf_siblingof(die, die) == 0 && (const char *)die->addr > *reached;
}

#endif
