/*
 * start - what the first call of any hook does: it finds the real functions and attaches the process.
 *
 * A program's own malloc may stand before ours, mostly that of the executable. Then we do not see its allocations, and
 * record nothing until one reaches us.
 */
#ifndef START_H
#define START_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Why hooks may not just record what comes to them: 0, which is all that they look at mostly. One reason is that nothing
 * is known to come to us yet: then they ask by the functions below. Each watcher (watchers.h) is another. START_RESTS alone: nothing
 * is recorded, and nobody watches, so calls are only passed on.
 */
extern uint32_t start_held;

#define START_RESTS 0x80000000u

static inline bool start_is_held(void)
{
	return start_held & ~START_RESTS;
}

/* Before the first event is recorded by a process that rested. */
void start_works(void);

/* One reason more, or one less. Returns how many there are. */
uint32_t start_hold(int change);
/* In a forked child: those that it has itself. */
void start_hold_only(uint32_t watchers);

/* The first thing that every hook does when the real functions are not known. By whoever calls first. */
void start_once(void);

/* Starts; then, whether a hook that is called is to record. */
bool start_and_ask(void);

/* The same for a hook of an allocation: as it has come to us, the malloc before ours, if there is one, calls the next. */
bool start_by_allocation(void);

/* Another malloc stands before ours, and has never come to us. */
bool start_is_bypassed(void);

/* The file of this library, as the dynamic linker has it; NULL: unknown. */
const char *start_own_path(void);

#endif
