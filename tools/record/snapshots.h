/*
 * snapshots - the live blocks of a traced process as a capture of its own, in memory.
 *
 * A forked copy of the recorder writes it, while the programs and the recorder itself go on. It has only the stacks
 * of those blocks, with as many frames as the trace keeps. The reader looks up names.
 */
#ifndef RECORD_SNAPSHOTS_H
#define RECORD_SNAPSHOTS_H

#include "recorder.h"

struct snapshots; /* of a recorder; NULL: none was ever taken */

struct trace;

/*
 * Takes a snapshot of `p`: of its trace, or of another live set of `p`. Its number, from 1; TRK_ERR_NOMEM;
 * TRK_ERR_IO: there are too many, or no descriptors.
 */
int64_t snapshot_take(struct recorder *r, const struct process *p, const struct trace *trace);

enum snapshot_state { SNAPSHOT_UNKNOWN,
		      SNAPSHOT_BEING_WRITTEN,
		      SNAPSHOT_WRITTEN,
		      SNAPSHOT_FAILED };
/* ret_fd: the descriptor of a snapshot that is written. */
enum snapshot_state snapshot_look(struct recorder *r, uint64_t number, int *ret_fd);
/* Nobody will open it any more. */
void snapshot_drop(struct recorder *r, uint64_t number);
/* Frees the snapshots that this process took and nobody has opened; all snapshots, if p is NULL. */
void snapshot_drop_all(struct recorder *r, const struct process *p);

#endif
