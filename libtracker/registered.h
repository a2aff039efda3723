/*
 * registered - unwind information that a program wrote for debuggers, of code that it makes while it runs.
 *
 * GDB's interface for that: __jit_debug_descriptor in the program begins a list of ELF files in its memory, of which .debug_frame is
 * read. qemu tells in this way of all that it translates, whose frames nothing else tells of. The first pc that nobody knows makes us read the list, and
 * each one after the list has changed; what was read stays, as a copy. All is read by system calls that only fail where nothing is.
 */
#ifndef REGISTERED_H
#define REGISTERED_H

#include "cfi.h"

/* t NULL: nothing is read that was not read before. False: none covers pc. */
bool registered_at(struct thread *t, uintptr_t pc, struct cfi_fde *ret);

#endif
