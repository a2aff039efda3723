/*
 * symbol - what one loaded module itself defines, found without the loader's lock.
 *
 * dlsym takes that lock, and a hook may run in a thread that somebody who holds
 * it waits for; it would also forget the program's own dlerror.
 */
#ifndef SYMBOL_H
#define SYMBOL_H

/* The function `name` of the module with this link map, or NULL. The module must stay loaded meanwhile. */
void *symbol_in(const void *link_map, const char *name);

#endif
