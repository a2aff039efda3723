/*
 * start - what the first call of any hook does: it finds the real functions and attaches the process.
 *
 * A program's own malloc may stand before the hooks, mostly that of the executable. Then libtracker does not see its
 * allocations, and records nothing until one reaches a hook.
 */
#ifndef START_H
#define START_H

#include <stdbool.h>
#include <stdint.h>

#include "dormant.h"

/*
 * The reasons why hooks may not simply record each call. Mostly this is 0, and hooks look at nothing else. One reason
 * is that no call is known to reach the hooks yet: then hooks ask by the functions below. Each watcher (watchers.h)
 * is another reason. START_RESTS alone means that nothing is recorded and nothing is watched, so calls are only
 * passed on.
 */
extern uint32_t start_held;

#define START_RESTS 0x80000000u

/* Calls are only passed on, and no recording is wanted. */
static inline bool start_is_at_rest(void)
{
	return start_held == START_RESTS && !*dormant_wanted;
}

static inline bool start_is_held(void)
{
	return start_held & ~START_RESTS;
}

/* Before the first event is recorded by a process that rested; and to end recording, for all hooks at one moment. */
void start_works(void);
void start_rests(void);

/* Adds or removes one reason. Returns how many there are. */
uint32_t start_hold(int change);
/* In a forked child: the number of reasons that it has itself. */
void start_hold_only(uint32_t watchers);

/* The first thing that every hook does while the real functions are not known. The first caller does the work. */
void start_once(void);

/* Starts libtracker if necessary. Returns whether a hook that is called is to record. */
bool start_and_ask(void);

/*
 * The same for a hook of an allocation. That the call has come here shows that the malloc before it, if there is one,
 * calls the next.
 */
bool start_by_allocation(void);

/* Whether another malloc stands before the hooks and no call has ever come through it. */
bool start_is_bypassed(void);

/* The file of this library, as the dynamic linker has it; NULL: unknown. */
const char *start_own_path(void);

#endif
