/*
 * python_frames - the functions of Python on a thread's stack, read from CPython's own structures and put between its native frames.
 *
 * Inside the target's malloc(): no heap, no lock; frames are read by loads alone, and nothing of CPython is called but functions that
 * return a pointer out of thread-local storage, or a flag. docs/ARCHITECTURE.md, "Python", tells how.
 *
 * A place in a function of Python stands in a stack as a pc from WIRE_PYTHON_PC on. A process that has loaded no CPython pays one
 * look at state.python for each stack and each release.
 */
#ifndef PYTHON_FRAMES_H
#define PYTHON_FRAMES_H

#include "state.h"

/* A module was met for the first time: if it is CPython, its threads' functions are read from now on. */
void python_met(const void *link_map);
/* The module that is CPython may be unloaded now: nothing of it is called any more, until it is met again. */
void python_before_unloading(void);
/* ... and it was not. */
void python_after_unloading(void);
/* The recorder knows nothing of the code objects yet: it is that of another recording, or of a forked child. */
void python_tell_again(void);

/*
 * A stack of the thread was walked: t->sent, of which the oldest t->kept frames stand where they stood. Makes the stack with
 * functions of Python out of it, and *ret how that differs from the last one. Nothing, if there is no memory for that.
 */
void python_stack(struct thread *t, struct change *ret);
/* The whole stack that was told last; its depth. */
uint32_t python_told_depth(const struct thread *t);

/* The present recording shows objects of Python, or not any more: from the next thing that a thread which runs Python allocates. */
void python_want_objects(bool want);

/* Before `block` is released, by a hook at `frame`: waits if that may be what a thread without CPython's lock is reading. */
void python_release(uintptr_t block, uintptr_t frame);

/* The arrays of a stream, for another stream. NULL: they are too small, or there are none. */
struct python_thread *python_thread_renew(struct python_thread *y);

#endif
