/*
 * proc - what /proc says of other processes. They may end, and be others, at any time: each answer is of one moment.
 */
#ifndef RECORD_PROC_H
#define RECORD_PROC_H

#include "recorder.h"

/* comm of the thread as the kernel has it; "" when it is gone. */
void proc_thread_name(uint32_t pid, uint32_t tid, char name[SHM_NAME_BYTES]);
/* The path of what it executes; "" and false when that is not known: it has ended, or is another user's. */
bool proc_executable(uint32_t pid, char path[SHM_EXECUTABLE_BYTES]);
/* The last number in the line of its status that begins with `key`; 0: there is none. ret_count: numbers in it. */
uint32_t proc_status(uint32_t pid, const char *key, uint32_t *ret_count);
/* Nothing of it runs any more: the last thread of a zombie may be another one. */
bool proc_is_zombie(uint32_t pid);

enum segment_there { THERE,
		     NOT_THERE,
		     DENIED,
		     NOBODY_KNOWS };
/* Whether our segment, by either of its names, is mapped there: another recording has one, too. Of a zombie nobody knows. */
enum segment_there proc_segment(const struct recorder *r, uint32_t pid);

/* Whether its environment, as it was when it was executed, has that entry. */
bool proc_has_environment(uint32_t pid, const char *entry);
/* The pid that was given last; 0: not known. */
uint32_t proc_last_pid(void);

#endif
