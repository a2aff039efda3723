/*
 * look_copy - the copy of a process in which a look is made: it is a child that the recorder has forked from it and holds stopped by
 * ptrace. It gets the blocks and the roots, marks, and stops; then it is read and killed.
 */
#ifndef RECORD_LOOK_COPY_H
#define RECORD_LOOK_COPY_H

#include "look_named.h"
#include "look_references.h"
#include "look_roots.h"

struct look_copy {
	uint32_t pid, inner; /* as the recorder sees it, and the process; 0: there is none */
	uint64_t call, code, stack; /* addresses there: shm.h */
	uint64_t area, area_bytes; /* where the tables lie in it; 0: nowhere yet */
	uint32_t faults; /* so often it had to begin anew */
	bool left_out; /* something could not be read */
	char *reason;
	struct look_references *references; /* gets them; NULL: they are not wanted */
};

/* What every copy does first: it must not hold the descriptors of the program, and dies with the recorder. */
bool look_copy_begin(struct look_copy *c);
/* Gives it all that it needs, and lets it mark. False: c->reason says why not. */
bool look_copy_mark(struct look_copy *c, struct look_marking *m, const struct look_roots *r);

enum look_progress { LOOK_AT_WORK,
		     LOOK_FINISHED,
		     LOOK_FAILED };
/*
 * Whether it has finished. If it met memory that cannot be read, it begins anew without. FINISHED: blocks have their verdicts and
 * types. */
enum look_progress look_copy_poll(struct look_copy *c, struct look_marking *m, struct look_roots *r, struct look_named *n);

/* Kills it. It is a zombie of the program then. */
void look_copy_end(struct look_copy *c);

#endif
