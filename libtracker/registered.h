/*
 * registered - unwind information that a program wrote for debuggers, about code that it makes while it runs.
 *
 * GDB's interface for this is __jit_debug_descriptor in the program, which begins a list of ELF files in its memory;
 * their .debug_frame is read. qemu describes all the code that it translates in this way, and nothing else describes
 * those frames. The list is read at the first pc that nobody knows, and at each later one after the list has changed;
 * what was read stays, as a copy. Everything is read by system calls that only fail if nothing is there.
 */
#ifndef REGISTERED_H
#define REGISTERED_H

#include "cfi.h"

/* If t is NULL, nothing is read that was not read before. False: no entry covers pc. */
bool registered_at(struct thread *t, uintptr_t pc, struct cfi_fde *ret);

#endif
