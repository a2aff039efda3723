/*
 * symtab - function names out of ELF symbol tables: .symtab of the module or of
 * its debug file, MiniDebugInfo, or .dynsym, whichever libdwfl finds best.
 */
#ifndef SYMBOLS_SYMTAB_H
#define SYMBOLS_SYMTAB_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>

#include "symbols/intervals.h"
#include "symbols/arena.h"

struct symtab {
	struct intervals ranges;
	const char **names; /* by ranges' value; owned by libdwfl */
	bool full; /* more than the exported symbols */
};

/* Reads the table of the module. Names live as long as `module`. 0, TRK_ERR_NOMEM. */
int symtab_init(struct symtab *t, Dwfl_Module *module);
void symtab_finish(struct symtab *t); /* NULL-safe, zero-safe */

/* Whether `is` holds for one of the names. */
bool symtab_any_name(const struct symtab *t, bool (*is)(void *data, const char *name), void *data);

/* Linkage name of the function at the address, without its version; NULL: none. */
const char *symtab_lookup(const struct symtab *t, uint64_t address, struct arena *arena);

#endif
