/*
 * spawn - a recorder of the program's own, when it asks for one and was not started by tracker run; and the sender of a capture (sending.h).
 *
 * A child of a child executes them, and the program never hears of it: it raises no SIGCHLD, nobody has to
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
 * Starts that program with --serve FD, the other end of the SOCK_SEQPACKET socket *ret, and more arguments, which end with NULL. TRACKER_OK,
 * or TRACKER_ENOMEM or TRACKER_EIO with a sentence. If it cannot be executed, the socket ends.
 */
int spawn_program(const char *program, char *const *more, int *ret);
/* A message, and the descriptor beside it (-1: none). Returns its length, or an errno as a negative number. */
long spawn_receive(int from, void *ret, size_t bytes, int flags, int *ret_fd);
/* Writes the number so that it ends before `end`. Returns its first digit. */
char *spawn_number(char *end, uint64_t n);

/*
 * Starts a recorder that keeps at least `nframe` frames of a stack, and waits until it is ready (10 s at most). ret:
 * the segment's descriptor, for segment_open. TRACKER_OK, or TRACKER_ENOMEM or TRACKER_EIO with a sentence.
 */
int spawn_recorder(uint32_t nframe, struct inherited *ret);

#endif
