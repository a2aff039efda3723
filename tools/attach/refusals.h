/*
 * refusals - why a program cannot be attached to, and what to do about it. All of it is found out by looking: the program
 * is not touched.
 */
#ifndef ATTACH_REFUSALS_H
#define ATTACH_REFUSALS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define REFUSAL_ROOM 400u

/*
 * False: nothing speaks against it. True: `why` continues a sentence that begins with the program. trust_seccomp: a
 * filter of system calls is no reason.
 */
bool refusal_find(pid_t pid, bool trust_seccomp, char why[REFUSAL_ROOM]);

/* The kernel forbids to read or trace it: the reason, likewise. */
void refusal_of_kernel(pid_t pid, char why[REFUSAL_ROOM]);

#endif
