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

/*
 * Whether a system call of ours does the thread no harm: it may have closed a sandbox (shm.h).
 * Only who cannot go on without one asks: the answer takes until the recorder's next round. False: who knows.
 */
bool chunk_may_call(const struct thread *t);
/*
 * The same for who can go on without one: no answer is a no, and an answer holds for the thread's life, until the program is
 * seen to forbid itself something.
 */
bool chunk_could_call(const struct thread *t);

/*
 * Ends recording in this process if the recorder has stopped for good, and says whether. The process then records nothing any more, at
 * the cost of one load a hook. Asked when the recorder's clock is seen to have moved: it
 * moves once more after the recording is closed, so no thread misses it.
 */
bool chunk_stop_if_closed(void);

#endif
