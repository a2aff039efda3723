/*
 * debug_frame - unwind information that is not loaded: .debug_frame of a module's file.
 *
 * Files that were compiled with -g and without unwind tables have it. It is read from the file once, by system calls,
 * at the first pc in the module that no loaded unwind information covers, and only if the recorder says that the
 * thread may make these calls. It is not read if it is compressed in another way than zlib's, or if the file is not
 * the one that is mapped.
 */
#ifndef DEBUG_FRAME_H
#define DEBUG_FRAME_H

#include "cfi.h"

/* If t is NULL, nothing is read that was not read before. False: no unwind information of that kind covers pc. */
bool debug_frame_at(struct thread *t, const struct cfi_module *m, uintptr_t pc, struct cfi_fde *ret);

/* The module that was mapped there is gone. */
void debug_frame_forget(uintptr_t start);

#endif
