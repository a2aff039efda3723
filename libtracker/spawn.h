/*
 * spawn - a recorder of the program's own, when it asks for one and was not started by tracker run.
 *
 * The recorder is executed by a child of a child, of which the program never hears: it raises no SIGCHLD, nobody has to wait
 * for it, and it holds no descriptor of the program's. It lives in a session of its own, ends when the program has, and finishes its
 * files whatever ends the program.
 */
#ifndef SPAWN_H
#define SPAWN_H

#include "segment.h"

/*
 * Starts one that keeps at least `nframe` frames of a stack, and waits until it is there (10 s at most). ret: the segment's
 * descriptor, for segment_open. TRACKER_OK, TRACKER_ENOMEM, TRACKER_EIO with a sentence.
 */
int spawn_recorder(uint32_t nframe, struct inherited *ret);

#endif
