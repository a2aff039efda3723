/*
 * environment - the two variables by which a recorded program is found: LD_PRELOAD, where our library stands before
 * the program's own, and SHM_ENV.
 *
 * It works on the arrays that programs hand to exec, and on the one that the kernel made. Nothing here allocates or
 * keeps anything: exec is called in children of vfork and in signal handlers.
 */
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H

#include "state.h"

/* The entry of `environment` that begins with NAME=, the last one: it is the one that counts. NULL: none. */
char **environment_find(char *const *environment, const char *name);
/* What follows "NAME=". NULL: it is not there. */
const char *environment_get(char *const *environment, const char *name);
/* Takes out what tracker run had put in: what this process executes must not find us. */
void environment_restore(char **environment);
/* What is executed with it attaches, or, named by another way, was asked not to. */
bool environment_is_ours(char *const *environment, const char *way);
bool environment_is_others(char *const *environment, const char *way);
/* A copy with our two variables, `way` among them, in `room`, of environment_room() bytes. */
size_t environment_room(char *const *environment, const char *way);
char **environment_make(char *const *environment, const char *way, void *room);
/* A copy without them. */
char **environment_make_without(char *const *environment, void *room);

#endif
