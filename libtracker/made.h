/*
 * made - what code that a program made while it ran says of its own frames.
 *
 * No unwind information says anything of it. Its instructions do, if they are looked for backwards from the pc: most
 * compilers keep frame pointers; those of HotSpot (Java) do not, but a method of theirs begins in a way that nobody else's
 * code does, and its frame is as large at each of its calls. The method's entry that is nearest before the pc is that of its own.
 *
 * The code may go away meanwhile, so it is read by a system call, which only fails then; in a sandbox that may forbid it, only the page
 * that the thread is to return to is looked at. A pc is looked at once.
 */
#ifndef MADE_H
#define MADE_H

#include "state.h"

/* Code that is as near before a pc is taken for that of the same compiler. */
#define MADE_NEAR 1024u

enum made {
	MADE_UNKNOWN,
	MADE_FRAME, /* it keeps frame pointers */
	MADE_METHOD, /* it does, and is a method of HotSpot's that is no interpreter */
	MADE_SIZED, /* its frame has a size: from sp to the CFA, below which stand the return address and the caller's bp */
};

/* pc - 1 is known to be code in no module. t->cfi is overwritten, but for the registers. */
enum made made_look(struct thread *t, uintptr_t pc, int32_t *ret_size);

#endif
