/*
 * look - looks at the memory of a process (docs/LOOK.md): which of its live blocks can still be reached, and from where.
 *
 * A look is wanted (a program asks, and waits); begins (all threads are stopped, registers read, a copy forked, the order of events cut;
 * the program goes on); has its table, when all events up to the cut are delivered; is marked in the copy; and is written into
 * the file. Rounds go on all the time.
 */
#ifndef RECORD_LOOK_H
#define RECORD_LOOK_H

#include "recorder.h"

#define LOOK_NO_CUT UINT64_MAX
#define LOOK_NOBODY UINT32_MAX /* in place of a question's entry */
#define LOOK_ORDERED (UINT32_MAX - 1) /* likewise: the user waits for it, not the program */

struct class_snapshot;

/*
 * Answers SHM_ASK_LOOK (format/shm.h): wants a look, or says what one has found that was wanted before. *ret_waits: not yet; it is to be
 * called again. An enum tracker_error.
 */
int look_answer(struct recorder *r, struct process *p, uint32_t entry, uint64_t why, uint64_t figures[6], bool *ret_waits);

/*
 * Wants one with references, which belongs to that snapshot: the snapshot is delivered at its place in the order, or when it is refused.
 * entry: of the question; LOOK_NOBODY: nobody waits for it. False: another one is under way, or there is no memory.
 */
bool look_for_classes(struct recorder *r, struct process *p, uint32_t entry, const struct class_snapshot *s);
/* Takes the answer of the look that is under way, as look_answer does. False: not yet, or another question wanted it. */
bool look_take(struct recorder *r, struct process *p, uint32_t entry, uint64_t figures[6]);

/* What the user's look has found. */
struct look_found {
	bool done; /* false: `why` says why not */
	uint64_t lost_bytes, lost_blocks, indirect_bytes, indirect_blocks;
	char why[256];
};
/* Wants a look because the user asks for it. False: another one is under way, or there is no memory. */
bool look_order(struct recorder *r, struct process *p, const char *label, size_t label_bytes);
/* False: not yet. */
bool look_take_ordered(struct recorder *r, struct process *p, struct look_found *ret);
/* The user waits for it no longer. */
void look_let_go(struct process *p);

/* Makes the program wait for its copy, which has ended, if nobody has taken the answer that names it. inner: its pid there; 0: there is none. */
void look_reap(struct recorder *r, struct process *p, uint32_t inner);
/* The process executes another program now, whose slot is known: it has no copy of the old one to wait for. */
void look_executed(struct recorder *r, struct process *p);
/* Called once a round, when everything that is final was delivered. */
void look_round(struct recorder *r);
/* Whether a look is under way: rounds are to follow each other quickly. */
bool look_is_busy(const struct recorder *r);
/* The process has ended, or executes another program: its look ends without a result. */
void look_drop(struct recorder *r, struct process *p);

#endif
