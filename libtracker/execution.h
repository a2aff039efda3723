/*
 * execution - what an exec or spawn hook does before the real function, and when that has failed.
 *
 * It notes in the segment which process is about to execute which file, so that the recorder can name those that
 * never attach, and makes sure that the new program finds the recorder. Everything is on the hook's stack, because a
 * child of vfork shares all other memory with its parent.
 */
#ifndef EXECUTION_H
#define EXECUTION_H

#include "state.h"

struct target {
	const char *path; /* NULL: `fd` itself */
	int fd; /* that the path begins at; AT_FDCWD */
	bool search; /* as a shell does, if there is no slash in it */
	bool spawn; /* in a process of its own */
};

struct execution {
	struct shm_exec *entry; /* NULL: none was free */
	int fd; /* of the segment, for the new program; -1: none is needed */
	bool without; /* libtracker cannot be loaded there: the dynamic linker would complain */
	size_t room; /* bytes that execution_environment needs; 0: the program's own environment will do */
	char way[SHM_WAY_BYTES];
};

void execution_begin(struct execution *e, const struct target *target, char *const *environment);
/*
 * For functions that use the environment of the process itself. If that lacks libtracker's variables, returns the
 * bytes that execution_environment needs to make an environment, which the functions are lent for the call. 0: it has
 * them.
 */
size_t execution_lends(struct execution *e);
/* The environment for the program, in `room` bytes of e->room. */
char *const *execution_environment(const struct execution *e, char *const *environment, void *room);
/* The real function came back. An exec has failed then; a spawn has made `pid` (0: it failed). */
void execution_end(struct execution *e, uint32_t pid);

#endif
