/*
 * made - what the code that a program made while it ran says about its own frames.
 *
 * It has no unwind information. But its instructions can be searched backwards from the pc. Most compilers keep frame
 * pointers. Those of HotSpot (Java) do not, but their methods begin in a way that no other code does, and the frame of
 * a method has the same size at each of its calls. The nearest entry before the pc is that of the pc's own method.
 *
 * If the code at the pc gives the frame back and returns, nothing must be searched: the trampolines of python3 -X perf do so.
 *
 * The code may go away meanwhile, so it is read by a system call, which then only fails. In a sandbox that may forbid
 * this call, only the page to which the thread will return is looked at. Each pc is looked at once.
 */
#ifndef MADE_H
#define MADE_H

#include "state.h"

/* Code that is so near before a pc counts as made by the same compiler. */
#define MADE_NEAR 1024u

enum made {
	MADE_UNKNOWN,
	MADE_FRAME, /* it keeps frame pointers */
	MADE_METHOD, /* it keeps frame pointers, and is a compiled method of HotSpot */
	MADE_LEFT, /* at pc it gives its frame back and returns, which tells the size: from sp to the CFA */
	MADE_SIZED, /* its frame has a size: from sp to the CFA, below which stand the return address and the caller's bp */
};

/* pc - 1 is known to be code in no module. Overwrites t->cfi, except its registers. */
enum made made_look(struct thread *t, uintptr_t pc, int32_t *ret_size);

#endif
