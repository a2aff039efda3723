/* undo - ends what tracker attach has begun: the hooks go, and the recorder finishes the capture. */
#ifndef ATTACH_UNDO_H
#define ATTACH_UNDO_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct detached {
	bool was_attached;
	char capture[PATH_MAX]; /* "": the recorder was gone */
	uint64_t bytes;
	char why[512]; /* the end of a sentence, if it could not be */
};

/* False: it could not be; ret->why. */
bool detach_program(pid_t pid, struct detached *ret);

#endif
