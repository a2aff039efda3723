/*
 * ada_names - names of Ada functions as people wrote them. GNAT's linkage names cannot be recognised by their form
 * ("pkg__sub__proc__2" may be a C name), so only a caller that knows that a function is Ada's has it decoded here.
 */
#ifndef SYMBOLS_ADA_NAMES_H
#define SYMBOLS_ADA_NAMES_H

#include <elfutils/libdw.h>
#include <stdbool.h>

#include "symbols/arena.h"

/* By the language of the unit that it is in. */
bool ada_is_unit_of(Dwarf_Die *die);
/* By the libraries that the file needs, or is. */
bool ada_is_file(Elf *elf);

/*
 * "pkg.sub.proc" for "pkg__sub__proc__2", "main" for "_ada_main". Returns `name` itself if it is not GNAT's, or if
 * there is no memory.
 */
const char *ada_name(const char *name, struct arena *arena);

#endif
