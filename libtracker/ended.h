/* ended - what a process knows about ends, its own and those of others: see ended.c. */
#ifndef ENDED_H
#define ENDED_H

#include <stdbool.h>
#include <stdint.h>

struct shm_process;

/* Called once, before main or at the first recording: it may allocate. */
void ended_watch(void);
/* Called when the process has got that slot, which identifies it: from now on its end is noticed. */
void ended_start(uint32_t slot, const struct shm_process *p);
/*
 * Called before the process takes its number. Processes that are seen to be gone now started and ended before it. If
 * /proc has other numbers than the recorder's, nothing is seen.
 */
void ended_look(void);
/* Whether this process has a slot and is not a child of vfork, which shares its memory. */
bool ended_is_us(void);
/* The process is about to exit with this code. `now`: no function of the program runs before it does. */
void ended_self(int code, bool now);
/* wait has returned this for the child. */
void ended_child(uint32_t pid, int status);

/* Some children may have ended, and it is not known which: looks for those that are gone. */
void ended_children(void);

#endif
