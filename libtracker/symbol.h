/*
 * symbol - what the loaded modules define, read from their own tables.
 *
 * The loader's functions for this take its lock and may allocate. A hook is called by a program that may hold a lock
 * of its own, which its malloc takes again, or for which the thread with the loader's lock waits. So nothing here
 * locks, allocates, or touches dlerror.
 */
#ifndef SYMBOL_H
#define SYMBOL_H

#include <stdbool.h>

struct link_map;

struct symbol {
	void *address; /* NULL: nobody defines it */
	const struct link_map *module;
};

/*
 * What dlsym(RTLD_NEXT) would find: the first definition in the modules that the program was
 * started with, behind this library. Beside default versions the one that a program linked
 * with the C library refers to counts: libc_malloc_debug's functions have no other.
 */
struct symbol symbol_next(const char *name);

/* The definition that stands before this library's own, so that nobody calls ours. */
struct symbol symbol_before(const char *name);

/* The function `name` of the module with this link map, or NULL. The module must stay loaded meanwhile. */
void *symbol_in(const void *link_map, const char *name);

/* The module, by what this one's references are bound to, for which `wanted` is true; or NULL. */
const struct link_map *symbol_bound_to(const struct link_map *module, bool (*wanted)(const struct link_map *m));

#endif
