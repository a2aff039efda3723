/*
 * pidspace - processes of PID namespaces that are not ours. Those with a /proc of their own
 * know only the pids that they have there; /proc/PID/status of our own says both.
 *
 * A pid of another namespace names one process in each of them: who is meant is one of ours, which has our segment or
 * descends from a recorded process. A process that executes a program just now has no segment for that time.
 */
#ifndef RECORD_PIDSPACE_H
#define RECORD_PIDSPACE_H

#include "recorder.h"

/* The pid that `pid` has in its innermost namespace; 0: it has none but ours, or it is gone. */
uint32_t pidspace_inner(uint32_t pid);
/* The pid that it calls itself by: in its innermost namespace, if that is not ours; 0: it is gone. */
uint32_t pidspace_name(uint32_t pid);
/* The pid of its parent as we see it; 0: it is gone. */
uint32_t pidspace_parent(uint32_t pid);
/* Whether it is one of those that we record, or of those that they started. */
bool pidspace_is_ours(const struct recorder *r, uint32_t pid);
/* The process, as we see it, that calls itself by the pid `name`, in whatever namespace it lives, and is_it; 0: none. */
uint32_t pidspace_find(uint32_t name, bool (*is_it)(void *context, uint32_t pid), void *context);

#endif
