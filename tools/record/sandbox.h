/*
 * sandbox - whether a thread of a recorded program may make the system calls of our library.
 *
 * A filter of system calls is inherited and never taken off. So a thread that has as many as the recorder has no other ones: those of the
 * container or service that both live in. Whether these kill for one of the calls a child finds out, once; what they only refuse does no harm.
 */
#ifndef RECORD_SANDBOX_H
#define RECORD_SANDBOX_H

#include "recorder.h"

/* enum shm_sandbox: what the kernel says of that thread. */
uint32_t sandbox_of(uint32_t pid, uint32_t tid);

#endif
