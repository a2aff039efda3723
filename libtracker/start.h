/*
 * start - what the first call of any hook brings about: the real functions are found, the process attaches.
 *
 * A program's own malloc may stand before ours, mostly the executable's: then we do not see its allocations, and record
 * nothing until one comes to us.
 */
#ifndef START_H
#define START_H

#include <stdbool.h>

/* Calls are to be recorded, whichever hook they come to. Until then hooks ask by the functions below. */
extern bool start_records_all;

/* The first thing that every hook does when the real functions are not known. By whoever calls first. */
void start_once(void);

/* Starts; then, whether a hook that is called is to record. */
bool start_and_ask(void);

/* The same for a hook of an allocation: as it has come to us, the malloc before ours, if there is one, calls the next. */
bool start_by_allocation(void);

/* Another malloc stands before ours, and has never come to us. */
bool start_is_bypassed(void);

/* What is called from a hook may come back to us, by malloc or mmap: the allocator that the program uses is not libc's own. */
bool start_is_foreign(void);

/* The file of this library, as the dynamic linker has it; NULL: unknown. */
const char *start_own_path(void);

#endif
