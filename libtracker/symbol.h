/*
 * symbol - what the loaded modules define, read from their own tables.
 *
 * The loader's functions for this take its lock and may allocate. A hook is called by a program that may hold a lock
 * of its own. Its malloc may take that lock again, or the thread with the loader's lock may wait for it. So nothing
 * here locks, allocates, or touches dlerror.
 */
#ifndef SYMBOL_H
#define SYMBOL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct link_map;

struct symbol {
	void *address; /* NULL: nobody defines it */
	const struct link_map *module;
};

/*
 * What dlsym(RTLD_NEXT) would find: the first definition in the modules that the program was started with, behind
 * this library. Besides default versions, the version counts that a program linked with the C library refers to,
 * because functions of libc_malloc_debug have no other.
 */
struct symbol symbol_next(const char *name);

/*
 * Whether this library came into a program that ran already: then it stands behind the C library. No reference is bound
 * to it, and symbol_next finds the first definition in any module.
 */
bool symbol_is_late(void);

/* The definition that stands before this library's own, so that no call reaches the hook. */
struct symbol symbol_before(const char *name);

/* A place of a module that holds the address of a function by its name. */
struct symbol_slot {
	_Atomic(uintptr_t) *at;
	const char *name;
	uintptr_t own; /* the function of that name that this library exports; 0: none */
	bool direct; /* it holds nothing else; otherwise it may be unbound yet, or lead to a jump table */
};

/* Calls `visit` for each place for a function that this library exports, or for dlsym. Only l_addr and l_ld of the module matter. */
typedef void (*symbol_visit)(const struct symbol_slot *slot, void *data);
void symbol_each_slot(const struct link_map *module, symbol_visit visit, void *data);

/* A function that this library exports, by name; 0: it exports none of that name. */
uintptr_t symbol_own(const char *name);

/* The function `name` of the module with this link map, or NULL. The module must stay loaded meanwhile. */
void *symbol_in(const void *link_map, const char *name);

/* ... and its size. */
void *symbol_sized_in(const void *link_map, const char *name, size_t *ret_bytes);
/* The variable `name` that the module uses: where the program refers to it, that may be the program's copy. */
void *symbol_object(const void *link_map, const char *name);
/* Whether a module with that link map is loaded. */
bool symbol_is_loaded(const void *link_map);

/* Whether the table of names of the program's own file has that name: whether it refers to it, or defines it. */
bool symbol_program_names(const char *name);

/* Whether the program's own file holds that text among what it does not write to. Of large files, the beginning is looked at. */
bool symbol_program_holds(const char *text);

/* The module for which `wanted` is true, among those to which this module's references are bound; or NULL. */
const struct link_map *symbol_bound_to(const struct link_map *module, bool (*wanted)(const struct link_map *m));

#endif
