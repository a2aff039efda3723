/*
 * spawn - a recorder of the program's own, when it asks for one and was not started by tracker run.
 *
 * A child of a child executes the recorder, and the program never hears of it: it raises no SIGCHLD, nobody has to
 * wait for it, and it holds no descriptor of the program's. It lives in a session of its own, ends when the program
 * has ended, and finishes its files whatever ends the program.
 */
#ifndef SPAWN_H
#define SPAWN_H

#include <limits.h>

#include "segment.h"

/*
 * The i-th path at which the program of that name may lie, relative to the folder of this library. False: there are no more,
 * or it is too long.
 */
bool spawn_place(unsigned i, const char *program, char path[PATH_MAX]);

/*
 * Starts a recorder that keeps at least `nframe` frames of a stack, and waits until it is ready (10 s at most). ret:
 * the segment's descriptor, for segment_open. TRACKER_OK, or TRACKER_ENOMEM or TRACKER_EIO with a sentence.
 */
int spawn_recorder(uint32_t nframe, struct inherited *ret);

#endif
