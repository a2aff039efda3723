/* ended - what a process knows about ends, its own and those of others: see ended.c. */
#ifndef ENDED_H
#define ENDED_H

#include <stdbool.h>
#include <stdint.h>

struct shm_process;

/* When the process has got that slot, which says who it is: its end will be noticed. */
void ended_start(uint32_t slot, const struct shm_process *p);
/*
 * Before the process takes its number: those that it can see to be gone started and ended before it.
 * Where /proc has other numbers than the recorder, it sees nothing.
 */
void ended_look(void);
/* The process is about to exit with this code; `now`: nothing of the program runs before it does. */
void ended_self(int code, bool now);
/* wait has returned so for this child. */
void ended_child(uint32_t pid, int status);

/* Children may have ended, we do not know which: those that are gone. */
void ended_children(void);

#endif
