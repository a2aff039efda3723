/*
 * slots - the places through which modules call the functions that have hooks: words of their global offset tables,
 * and words of data that hold such a function's address.
 *
 * The loader binds them to the hooks where the library is preloaded. In a program that ran already they hold the real
 * functions, and are rewritten here, each by one store: a call that is under way is not disturbed. No code is changed.
 * The walk holds the loader's lock, so it must not be made in a hook.
 */
#ifndef SLOTS_H
#define SLOTS_H

#include <stdbool.h>

/* Puts the hooks into all modules that are loaded now, or the real functions back. */
void slots_look(bool hooks);
/* ... into those that were loaded since, if hooks were put in. Before a function of the loader's is called: not in a hook. */
void slots_of_new_modules(void);

#endif
