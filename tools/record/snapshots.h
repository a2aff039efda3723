/*
 * snapshots - the live blocks of a traced process as a capture of its own, in memory.
 *
 * A forked copy of the recorder writes it: the programs and the recorder itself go on meanwhile. It has the stacks that those blocks
 * have and no others, with as many frames as the trace keeps; names are looked up by whoever reads it.
 */
#ifndef RECORD_SNAPSHOTS_H
#define RECORD_SNAPSHOTS_H

#include "recorder.h"

struct snapshots; /* of a recorder; NULL: none was ever taken */

struct trace;

/* Takes one of `p`: of its trace, or of another live set of its. Its number, from 1; TRK_ERR_NOMEM, TRK_ERR_IO: there are too many, or no descriptors. */
int64_t snapshot_take(struct recorder *r, const struct process *p, const struct trace *trace);

enum snapshot_state { SNAPSHOT_UNKNOWN,
		      SNAPSHOT_BEING_WRITTEN,
		      SNAPSHOT_WRITTEN,
		      SNAPSHOT_FAILED };
/* ret_fd: the descriptor of one that is written. */
enum snapshot_state snapshot_look(struct recorder *r, uint64_t number, int *ret_fd);
/* Nobody opens it any more. */
void snapshot_drop(struct recorder *r, uint64_t number);
/* Those that this process took and nobody has opened; all of them, if p is NULL. */
void snapshot_drop_all(struct recorder *r, const struct process *p);

#endif
