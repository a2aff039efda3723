/*
 * looked_at - the program's side of a look at its memory (docs/LOOK.md): what the recorder must know for it, and asking for one.
 */
#ifndef LOOKED_AT_H
#define LOOKED_AT_H

#include <stdbool.h>

#include "format/shm.h"
#include "tracker.h"

/* Tells what the recorder needs for looks, if this recording may take any. */
void look_tell(struct shm_process *p);

/* The program wants snapshots of classes: from now on looks can be taken, if that was not so before. */
void look_prepare(void);

/* The program ends: asks for the look that tracker run --leak-check wants, once, and waits for it. */
void look_at_end(void);

/* The program has set a mark: takes a look there if tracker run --look-at-marks wants it. */
void look_at_mark(const char *label);

/* The member of struct tracker_api_ of that name. tracker.h has its contract. */
int look_check(const char *label, tracker_leaks *ret);

#endif
