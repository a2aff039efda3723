/*
 * unwind - a walk over the stack, as the two walkers share it.
 */
#ifndef UNWIND_H
#define UNWIND_H

#include "state.h"

/*
 * Where a signal interrupted an epilogue, registers that were popped already still
 * stand, and their rules still point, below sp: the kernel leaves that much alone.
 */
#define RED_ZONE 128u

struct walk {
	struct thread *thread;
	uintptr_t pc, sp, bp;
	uintptr_t low, top; /* stack words in [low, top) may be read */
	uintptr_t framed_sp, before; /* sp after the last step by a frame pointer, and what it may have been at the call */
	bool exact; /* pc was interrupted there: no call ends before it */
	bool foreign; /* not on the thread's own stack */
	bool bounded; /* ... and where that ends is known: top stays */
	bool guessed; /* a step went by what code without unwind information looks like */
};

static inline bool walk_on_own_stack(const struct thread *t, uintptr_t sp)
{
	return sp < t->stack_top && t->stack_top - sp <= state.own_stack_max;
}

bool walk_readable(const struct walk *w, uintptr_t address);
/*
 * A frame's CFA lies above it, or it was called on a foreign stack by one on the
 * thread's own: then *w is moved there. False: it leads nowhere.
 */
bool walk_reach(struct walk *w, uintptr_t cfa);
/* sp is that of the kernel's signal frame, for all that the stack says. */
bool walk_at_signal_frame(const struct walk *w, uintptr_t sp);
/*
 * The step from a frame without unwind information (rule_is_guess) to its caller's. RULE_SP: made; RULE_END: it was the
 * outermost one; otherwise why the stack is cut there.
 */
uint8_t walk_step_guess(struct walk *w, const struct rule_step *r);
/* sp jumped to another frame (or another stack: signal frames): move the readable range. */
void walk_moved(struct walk *w, uintptr_t sp);

/*
 * The same stack with all registers carried along: from our own frame through
 * our own unwind information up to the hook's caller and on. Fills w->thread->walk from
 * 0; *ret_end: enum rule_kind of the last frame, after RULE_DEEP *w is where it is cut. Slow (a microsecond a frame).
 */
uint32_t unwind_full(struct walk *w, const struct site *at, uint8_t *ret_end);

/* First event of a forked child: tell its modules. */
void unwind_forked(struct thread *t);

/* Walks the stack of a hook's caller, which becomes t->sent. A pc of 0 as the oldest: the stack was cut there. */
struct change unwind(struct thread *t, const struct site *at);
void unwind_code_unloaded(void); /* after dlclose */
bool unwind_start(void); /* false: no memory */
uint32_t unwind_reference_room(void); /* frames in each t->check */

/* libunwind and libgcc, loaded on request: the oracles that our stacks can be compared with. */
void unwind_reference_start(void);
/* Instead of our own walk, libunwind's: fills t->walk. */
uint32_t unwind_reference(struct thread *t, const struct site *at);
/* Beside it, both: compares every 37th stack (t->walk[0..n) over `kept` of t->sent) and counts. */
void unwind_verify(struct thread *t, const struct site *at, uint32_t kept, uint32_t n);

#endif
