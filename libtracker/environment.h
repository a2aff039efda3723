/*
 * environment - the two variables by which a recorded program is found: LD_PRELOAD, where libtracker stands before
 * the program's own libraries, and SHM_ENV; and PYTHONMALLOC, if tracker run has set it.
 *
 * It works on the arrays that programs pass to exec, and on the array that the kernel made. Nothing here allocates or
 * keeps anything, because exec is called in children of vfork and in signal handlers.
 */
#ifndef ENVIRONMENT_H
#define ENVIRONMENT_H

#include "state.h"

/* The last entry of `environment` that begins with NAME=: it is the one that counts. NULL: there is none. */
char **environment_find(char *const *environment, const char *name);
/* What follows "NAME=". NULL: it is not there. */
const char *environment_get(char *const *environment, const char *name);
/* Takes out the entries that tracker run had put in: programs that this process executes must not find libtracker. */
void environment_restore(char **environment);
/*
 * Whether a program that is executed with this environment attaches; and whether it was asked not to, because the
 * environment names another recording.
 */
bool environment_is_ours(char *const *environment, const char *way);
bool environment_is_others(char *const *environment, const char *way);
/* A copy with the variables of libtracker, `way` among them, in `room`, of environment_room() bytes. */
size_t environment_room(char *const *environment, const char *way);
char **environment_make(char *const *environment, const char *way, void *room);
/* A copy without them. */
char **environment_make_without(char *const *environment, void *room);

#endif
