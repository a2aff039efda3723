/*
 * forks - what a forked child inherits: its parent's traces, and a capture that follows forks, as they were at the fork.
 *
 * The child may come to the recorder at any time after that, and its parent may have gone on, or have ended. So the parent
 * tells of the fork itself, in the order of its events (WIRE_FORK). There the recorder keeps a copy for the child, which
 * names the fork in its slot (shm_process.fork).
 */
#ifndef RECORD_FORKS_H
#define RECORD_FORKS_H

#include "recorder.h"

/* A fork of that number comes at this place among the events of `p`. */
void forks_begin(struct recorder *r, const struct process *p, uint32_t number);
/* ... and has failed, as far as its process knows. */
void forks_failed(struct recorder *r, const struct process *p, uint32_t number);
/* `p` has ended. Children that have not come yet may be about to. */
void forks_parent_ended(struct recorder *r, const struct process *p);
/* Drops what no child has come for in time. Called once a round, after children were bound. */
void forks_round(struct recorder *r);

/*
 * False: the place at which the program in that slot was forked has not been reached yet, and may still be. It must be
 * bound later, then.
 */
bool forks_may_bind(struct recorder *r, const struct shm_process *slot);
/* Gives `p`, the new process in that slot, what it inherits. */
void forks_inherit(struct recorder *r, struct process *p, const struct shm_process *slot);

/* Gives back everything that is kept for children. */
void forks_release(struct recorder *r);

#endif
