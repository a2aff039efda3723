/*
 * debug_frame - unwind information that is not loaded: .debug_frame of a module's file.
 *
 * Files compiled with -g and without unwind tables have it. The first pc of a module that nothing loaded covers makes
 * us read it from the file, once, by system calls, and only if the recorder says that the thread may make some. What the
 * sandbox forbids, what is compressed in another way than zlib's, and what is another file than the one that is mapped is not read.
 */
#ifndef DEBUG_FRAME_H
#define DEBUG_FRAME_H

#include "cfi.h"

/* t NULL: nothing is read that was not read before. False: no unwind information of that kind covers pc. */
bool debug_frame_at(struct thread *t, const struct cfi_module *m, uintptr_t pc, struct cfi_fde *ret);

/* The module that was there is gone. */
void debug_frame_forget(uintptr_t start);

#endif
