/*
 * pidspace - processes of other PID namespaces than the recorder's. Processes with a /proc of their own know only
 * their pids in it; /proc/PID/status in the recorder's namespace has both.
 *
 * A pid of another namespace may name one process in each such namespace. The one that is meant belongs to this
 * recording: it has its segment mapped, or it descends from a recorded process. A process that is in the middle of an
 * exec has no segment.
 */
#ifndef RECORD_PIDSPACE_H
#define RECORD_PIDSPACE_H

#include "recorder.h"

/* The pid that `pid` has in its innermost namespace; 0: it is only in the recorder's, or it is gone. */
uint32_t pidspace_inner(uint32_t pid);
/* The pid by which it knows itself, in its innermost namespace, if that is another than the recorder's; 0: it is gone. */
uint32_t pidspace_name(uint32_t pid);
/* The pid of its parent as the recorder sees it; 0: it is gone. */
uint32_t pidspace_parent(uint32_t pid);
/* Whether it is a recorded process, or one that a recorded process started. */
bool pidspace_is_ours(const struct recorder *r, uint32_t pid);
/*
 * The process that calls itself by the pid `name`, in whatever namespace it lives, and for which is_it is true: its
 * pid as the recorder sees it. 0: none.
 */
uint32_t pidspace_find(uint32_t name, bool (*is_it)(void *context, uint32_t pid), void *context);

#endif
