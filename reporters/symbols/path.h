/*
 * path - source file names as people want to see them.
 */
#ifndef SYMBOLS_PATH_H
#define SYMBOLS_PATH_H

#include "symbols/arena.h"

/*
 * `name`, joined to `directory` (may be NULL) unless it is absolute, with "//",
 * "/./" and "/x/../" taken out by name alone, so that one file has one name
 * even where it no longer exists. NULL when out of memory.
 */
const char *path_absolute(const char *name, const char *directory, struct arena *arena);

/* The last two parts of it: "src/main.c". */
const char *path_short(const char *path);

#endif
