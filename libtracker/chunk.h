/*
 * chunk - pieces of the shared segment, claimed by threads, given back by the
 * recorder (format/shm.h).
 */
#ifndef CHUNK_H
#define CHUNK_H

#include "state.h"

/*
 * Hands t's chunk over and claims an empty one. When all are full, waits as
 * long as the recorder makes progress; when it makes none for the stall limit,
 * returns false, and from then on at once until it moves again.
 */
bool chunk_next(struct thread *t);

#endif
