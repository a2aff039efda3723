/*
 * unwind - a walk over the stack, as the two walkers share it.
 */
#ifndef UNWIND_H
#define UNWIND_H

#include "state.h"

/*
 * If a signal interrupted an epilogue, registers that were popped already still stand below sp, and their rules still
 * point there: the kernel does not write so near below sp.
 */
#define RED_ZONE 128u

struct walk {
	struct thread *thread;
	uintptr_t pc, sp, bp;
	uintptr_t low, top; /* stack words in [low, top) may be read */
	uintptr_t framed_sp, before; /* sp after the last step by a frame pointer, and what it may have been at the call */
	bool exact; /* pc was interrupted there, so no call ends before it */
	bool foreign; /* it is not on the thread's own stack */
	bool bounded; /* ... and the end of that stack is known: top stays */
	bool guessed; /* some step went by the look of code without unwind information */
};

static inline bool walk_on_own_stack(const struct thread *t, uintptr_t sp)
{
	return sp < t->stack_top && t->stack_top - sp <= state.own_stack_max;
}

bool walk_readable(const struct walk *w, uintptr_t address);
/*
 * Checks a CFA. It lies above its frame, unless a frame on the thread's own stack called this one on a foreign stack:
 * then *w is moved to the own stack. False: the CFA leads nowhere.
 */
bool walk_reach(struct walk *w, uintptr_t cfa);
/* Whether sp may be that of the kernel's signal frame, as far as the stack shows. */
bool walk_at_signal_frame(const struct walk *w, uintptr_t sp);
/*
 * The step from a frame without unwind information (rule_is_guess) to its caller's. RULE_SP: the step was made.
 * RULE_END: the frame was the outermost one. Any other value says why the stack is cut there.
 */
uint8_t walk_step_guess(struct walk *w, const struct rule_step *r);
/* sp moved to another frame, or to another stack (signal frames): moves the readable range. */
void walk_moved(struct walk *w, uintptr_t sp);

/*
 * Walks the same stack with all registers, from this function's own frame through libtracker's own unwind information
 * up to the hook's caller and on. Fills w->thread->walk from 0. *ret_end: enum rule_kind of the last frame; after
 * RULE_DEEP *w is where the stack is cut. Slow (a microsecond per frame).
 */
uint32_t unwind_full(struct walk *w, const struct site *at, uint8_t *ret_end);

/* At the first event of a forked child: tells its modules. */
void unwind_forked(struct thread *t);

/*
 * Walks the stack of a hook's caller, which becomes t->sent. A pc of 0 as the oldest means that the stack was cut
 * there.
 */
struct change unwind(struct thread *t, const struct site *at);
void unwind_code_unloaded(void); /* after dlclose */
bool unwind_start(void); /* false: no memory */
uint32_t unwind_reference_room(void); /* frames in each t->check */

/* libunwind and libgcc, loaded on request: the oracles with which libtracker's stacks can be compared. */
void unwind_reference_start(void);
/* Lets libunwind walk instead: fills t->walk. */
uint32_t unwind_reference(struct thread *t, const struct site *at);
/*
 * Lets both walk, too: compares every 37th stack (t->walk[0..n) over `kept` of t->sent) and counts the differences.
 */
void unwind_verify(struct thread *t, const struct site *at, uint32_t kept, uint32_t n);

#endif
