/*
 * backtrace - a stack for a message, as text. It also works when nothing is recorded.
 *
 * It is slow: it interprets each frame's unwind information, and reads the stack by a system call, because the end of
 * the stack is not known here. A frame without unwind information ends the walk.
 */
#ifndef BACKTRACE_H
#define BACKTRACE_H

#include "state.h"

/*
 * Writes the return addresses from the hook's caller on, most recent first, and returns how many there are. If
 * scratch is NULL, there is only the first one.
 */
uint32_t backtrace_walk(struct cfi_scratch *scratch, const struct site *at, uintptr_t *pcs, uint32_t most);

/* What is known about a return address: the call is one byte before it. */
struct backtrace_place {
	char file[512]; /* of the module; "" if none covers it */
	uintptr_t offset; /* of the call, as the file has addresses */
	uintptr_t in_function; /* of the call, from its beginning */
	char function[128]; /* as the symbol table has it; "" if it has none */
};

void backtrace_find(uintptr_t pc, struct backtrace_place *ret);

#endif
