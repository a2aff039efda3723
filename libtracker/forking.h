/*
 * forking - tells the recorder where among the process's events it forks, if the child inherits traces or a capture: the recorder keeps
 * for the child what is there at that place (tools/record/forks.h).
 */
#ifndef FORKING_H
#define FORKING_H

#include <stdbool.h>
#include <stdint.h>

/* In the parent, before the fork. Signal handlers may call it. */
void forking_begin(void);
/* ... and after it. */
void forking_end(bool failed);
/* The same for a fork of which nobody says whether it has failed. */
void forking_end_unsaid(void);

/* In the child, once: for shm_process.fork. */
uint32_t forking_take(void);

#endif
