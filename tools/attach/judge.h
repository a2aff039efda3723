/*
 * judge - the walk over the stack of a thread that stands still, from outside: whether every function on it may be
 * interrupted there.
 */
#ifndef ATTACH_JUDGE_H
#define ATTACH_JUDGE_H

#include "libtracker/state.h"
#include "tools/attach/ground.h"

enum stack_verdict {
	STACK_SAFE,
	STACK_FORBIDDEN,
	STACK_HANDLER, /* a signal handler is at work */
	STACK_UNKNOWN, /* the walk could not be finished; nothing on the rest of the stack looks like a place that is forbidden */
	STACK_UNREAD, /* the walk needs a copy of *ret_unread's unwind information (image_copy) */
};

/*
 * regs: by DWARF number, the pc in REG_PC. stack_end: of the area in which the stack lies. restorer: where handlers
 * return to. *ret_why: in what the thread stands, if that is forbidden.
 */
enum stack_verdict stack_judge(const struct target *t, const struct images *all, const struct ground *g, const uintptr_t regs[REG_COUNT],
			       uint64_t stack_end, uint64_t restorer, const char **ret_why, struct image **ret_unread);

#endif
