/*
 * modules_fallback - which module covers a pc, if the C library cannot tell without its lock: glibc before 2.35 has no
 * _dl_find_object.
 *
 * Inside the target's malloc(): no heap, no lock. A module is looked up once, in /proc/self/maps and in its own
 * program headers, and kept in a table that all threads read. A descriptor is open during the look-up; nothing else
 * opens any.
 *
 * dlclose notices a module that went away. A module that the C library unloads by itself stays until another one is
 * found in its place.
 */
#ifndef MODULES_FALLBACK_H
#define MODULES_FALLBACK_H

#include "cfi.h"

/*
 * As cfi_module_at. ret->link_map is made here: it has only address, name ("" for the main program) and dynamic
 * section.
 */
bool modules_fallback_find(uintptr_t pc, struct cfi_module *ret);
/* Something was unloaded: forgets modules that are no longer mapped. */
void modules_fallback_forget_unloaded(void);

#endif
