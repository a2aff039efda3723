/* chunk - chunks of the shared segment, which threads claim and the recorder gives back (format/shm.h). */
#ifndef CHUNK_H
#define CHUNK_H

#include "state.h"

/*
 * Hands t's chunk over and claims an empty one. When all are full, waits as
 * long as the recorder makes progress; when it makes none for the stall limit,
 * returns false, and from then on at once until it moves again.
 */
bool chunk_next(struct thread *t);

/*
 * Whether a system call of libtracker does the thread no harm: it may have closed a sandbox (shm.h). Only a thread
 * that cannot go on without the call asks, because the answer takes until the recorder's next round. False: it may
 * do harm, or nobody knows.
 */
bool chunk_may_call(const struct thread *t);
/*
 * The same for a thread that can go on without the system call: no answer counts as a no. An answer holds for the
 * thread's life, until the program is seen to forbid itself something.
 */
bool chunk_could_call(const struct thread *t);

/*
 * If the recorder has stopped for good, ends recording in this process, and says whether it did. From then on the
 * process records nothing, and a hook costs one load. A thread asks when it sees that the recorder's clock has moved.
 * The clock moves once more after the recording is closed, so no thread misses it.
 */
bool chunk_stop_if_closed(void);

#endif
