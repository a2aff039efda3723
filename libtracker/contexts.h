/*
 * contexts - the memory of threads' streams (struct thread), claimed and released without a lock.
 *
 * It comes in slabs that are mapped on demand and never given back. A context that is claimed says whether a hook is at work with it,
 * so whoever ends a recording can wait until none is.
 */
#ifndef CONTEXTS_H
#define CONTEXTS_H

#include "state.h"

/* Before each recording: contexts of its size. They only become larger. False: no memory. */
bool contexts_start(void);
/* A free one, empty, for a hook at `frame`. NULL: there is no room. */
struct thread *contexts_claim(uintptr_t frame);
void contexts_release(struct thread *t);
/* Counts a thread that found no room. */
void contexts_no_memory(void);
/* Empties one that was claimed for an earlier recording. False: it does not have this recording's size. */
bool contexts_renew(struct thread *t, uintptr_t frame);
/* Whether no hook is at work, of any thread. */
bool contexts_are_idle(void);
/*
 * The same, or those that are at work have been so for so long, with nothing recorded, that their threads must have left them for good
 * (siglongjmp out of a signal handler): then their contexts are never claimed again. Asked before a recording begins, and at the end of one.
 */
bool contexts_are_left(void);
/* Returns when every hook that is at work has been seen to come to its end, or to take very long. Hooks that begin meanwhile do not count. */
void contexts_wait(void);
/* In a forked child: no thread has one any more, but for those that hooks of its only thread are at work with. */
void contexts_forked(struct thread *const *kept, unsigned count);
/* What threads have is never claimed again: in a forked child whose only thread, at its fork, is unknown. */
void contexts_forget(void);

#endif
