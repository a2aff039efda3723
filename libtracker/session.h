/*
 * session - attaches a process to its recorder, and a forked child again.
 *
 * It runs before main, perhaps before the C library is up: it reads the environment where the kernel put it, uses only
 * raw system calls, and leaves no descriptor open. If anything is refused, the process simply runs unrecorded, and the
 * recorder notices that nobody attached.
 */
#ifndef SESSION_H
#define SESSION_H

#include "segment.h"
#include "state.h"

/*
 * Attaches to the recorder named in the environment. Once; from the first hook or the constructor. late: the program ran
 * already, and its environment says nothing to this library.
 */
void session_start(bool late);
/* The variable's value at the program's start; NULL: there is none, or the program has rights that its user does not have. */
const char *session_variable(const char *name);
/* What the program was started with; `executed`: the name that was executed. False: that cannot be known. */
struct session_arguments {
	int argc;
	char **argv, **envp;
	const char *executed;
};
bool session_arguments(struct session_arguments *ret);
/* An allocation has come to the hooks: no malloc of the program's own stands before them. */
void session_withdraw_own_malloc(void);
/* Whether the process may attach later, to a recorder of its own. TRACKER_OK, or TRACKER_EDISABLED with a sentence. */
int session_may_attach(void);
/* The same for a program into which the library came late (late.h). */
bool session_may_attach_late(void);
/*
 * ... to the segment of that name, or, where `from` is not NULL, to that one. Any number of times in the life of a process, also while
 * its threads are in hooks; what there was of the recording before is left, and its memory serves again. One thread at a time.
 * False: there was no memory, the recording is over, or a hook is still at work in the last recording (session_is_idle).
 */
bool session_attach(const char *name, const struct inherited *from);
/* The same in a hook that records nothing, where nothing may wait. */
bool session_attach_in_hook(const char *name);
/*
 * Around what must come to its end: a handler that forks would leave a child that goes on with what its parent has begun, and one that
 * jumps away would leave it half done. Returns the mask that was.
 */
uint64_t session_block_signals(void);
void session_restore_signals(uint64_t before);
/* No hook is at work. */
bool session_is_idle(void);
/* Records no more, and keeps nothing of the segment. What hooks still write stands in private memory, where nobody reads it. */
void session_leave(void);
/* The first event in a child of fork: the child becomes a process of its own. False: it is not to be recorded. */
bool session_enter_child(void);
/*
 * Called in a child before fork returns. If a handler forked, the hooks that it interrupted go on in the child, too,
 * and would write into their parent's stream.
 */
void session_in_child(void);

#endif
