/*
 * program - what runs in this process: name, executable, arguments.
 *
 * They are found once, when the process attaches. A forked child runs the same program and reports it from this copy,
 * because the slot of its parent may belong to another process by then.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "state.h"

/*
 * Finds out what runs here. started_as: the path that was executed, or NULL. by_loader: that path is the dynamic
 * loader's. page: zeros, in which the answer is kept.
 */
void program_find(const char *started_as, bool by_loader, int argc, char **argv, void *page);
/* Writes it into the process's slot. */
void program_tell(struct shm_process *p);
/* The first thread gave itself a name, which is the process's, too. */
void program_named(const char *name);
/* Writes into the slot what the program calls itself now: when it ends. */
void program_tell_title(struct shm_process *p);

#endif
