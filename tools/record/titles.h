/*
 * titles - what processes and their threads call themselves: postgres's checkpointer, nginx's workers, sshd's sessions have all the same
 * name and arguments at their start, and write a title over their arguments, or give their first thread a name.
 *
 * A program that ends leaves both in its slot. Others are looked at now and then, so that a title is known of those
 * that are killed, too: after 10 ms, and again when they are twice as old, or after 10 s. The same holds for threads that
 * another thread names; the names that threads give themselves come from their slots.
 */
#ifndef RECORD_TITLES_H
#define RECORD_TITLES_H

#include "recorder.h"

void titles_look(struct recorder *r);
/* Takes over what the slot says. */
void titles_collect(struct process *p, const struct shm_process *slot);
/* Another program begins: it has no title. */
void titles_begin(struct recorder *r, struct process *p);
/* What the process calls itself; "": what its name and arguments say. ret: how it came to that. */
const char *titles_of(const struct process *p, uint32_t *ret);
/* Writes the process's record again if the file has another title of it. */
void titles_write(struct recorder *r, struct process *p);

#endif
