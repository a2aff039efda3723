/*
 * memo - the last stack of a thread, as the next walk finds it.
 */
#ifndef MEMO_H
#define MEMO_H

#include "state.h"

/*
 * The youngest frame, `top` or an older one, that may be joined: every word that the remembered walk read from there
 * to the root still holds its value. Younger frames cannot be joined, whatever their pc.
 */
uint32_t memo_joinable(const struct thread *t, uint32_t top);
/*
 * Finds the stack of a hook's caller, if the memo tells how to get there: t->sent becomes that stack. False: nothing
 * was done.
 */
bool memo_alike(struct thread *t, const struct site *at, struct change *ret);
/* Remembers the frames in t->walk[0..n), which are now on top of `kept` older ones. */
void memo_take(struct thread *t, uint32_t kept, uint32_t n);

#endif
