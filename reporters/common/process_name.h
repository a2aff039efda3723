/* process_name - what reports call a process: by its title, if it gave itself one. */
#ifndef PROCESS_NAME_H
#define PROCESS_NAME_H

#include "format/trk.h"

#define PROCESS_NAME_ROOM 192u

/* "postgres: checkpointer", where that is its title; "python3 (loader)", where the title does not name the program. */
const char *process_name(const struct trk_process *p, char buf[PROCESS_NAME_ROOM]);

#endif
