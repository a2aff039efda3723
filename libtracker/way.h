/*
 * way - how a program that is executed finds the recorder.
 *
 * As a rule it finds the recorder by the name in the environment, /proc/RECORDER/fd/N. That name leads nowhere in
 * another PID namespace's /proc, in a root without /proc, or after the program gave up its rights. Then the program
 * inherits the descriptor itself. The process that executes it asks the recorder for it, by an entry in the segment
 * and a socket that the recorder fetches with pidfd_getfd. No name is made that others could open, and nothing stays
 * open, because the constructor of the new program closes the descriptor.
 *
 * It uses only raw system calls and the stack, because it runs in children of vfork and in signal handlers.
 */
#ifndef WAY_H
#define WAY_H

#include "segment.h"
#include "state.h"

/* Copies the usual value of SHM_ENV. */
void way_name(char name[SHM_WAY_BYTES]);
/* Whether a program that is executed here and now finds the recorder by that name. */
bool way_is_open(const char *name);
/*
 * Asks the recorder for the segment, for a program that is executed at once. Returns the descriptor, and the value of
 * SHM_ENV that names it; -1: no answer came in time. `keeps_pid`: the program will have this process's pid.
 */
int way_ask(struct shm_exec *entry, bool keeps_pid, char way[SHM_WAY_BYTES]);
/* What way_ask has written: "fd:N:SESSION:PID". False: it is the usual way. */
bool way_read(const char *way, struct inherited *ret);

#endif
