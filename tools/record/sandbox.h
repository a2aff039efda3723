/*
 * sandbox - whether a thread of a recorded program may make the system calls of libtracker.
 *
 * Filters of system calls are inherited and never removed. So if a thread has as many filters as the recorder, they
 * are the same: those of the container or service in which both live. A child process tries once whether these kill
 * for one of the calls. A filter that only refuses a call does no harm.
 */
#ifndef RECORD_SANDBOX_H
#define RECORD_SANDBOX_H

#include "recorder.h"

/* enum shm_sandbox: what the kernel says about that thread. */
uint32_t sandbox_of(uint32_t pid, uint32_t tid);
/* Whether the thread may be made to call clone and wait4, as the recorder itself may: it has no filters but those of both. */
bool sandbox_may_call(uint32_t pid, uint32_t tid);

#endif
