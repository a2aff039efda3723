/*
 * demangle - linkage names to the names people wrote, by libiberty: C++
 * (Itanium), Rust legacy and v0.
 */
#include <libiberty/demangle.h>
#include <stdlib.h>
#include <string.h>

#include "symbols/stack.h"

/* Longer names are left alone: demangling may take quadratic time. */
#define LINKAGE_NAME_MAX 65536

char *symbols_demangle(const char *linkage_name)
{
	if (strncmp(linkage_name, "_Z", 2) != 0 && strncmp(linkage_name, "_R", 2) != 0 &&
	    strncmp(linkage_name, "___Z", 4) != 0)
		return NULL;
	if (strnlen(linkage_name, LINKAGE_NAME_MAX) == LINKAGE_NAME_MAX)
		return NULL;
	return cplus_demangle(linkage_name, DMGL_AUTO | DMGL_PARAMS | DMGL_ANSI);
}
