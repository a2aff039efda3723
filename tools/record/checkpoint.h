/*
 * checkpoint - the file of an aggregated recording. Each checkpoint writes a complete new file and puts it in place in
 * one step, so a reader sees the old file or the new one, never half of one.
 *
 * Tables go to a spool in memory as they grow. At a checkpoint, a forked copy of the recorder writes spool and sums
 * into a file beside the capture and renames it, as redis saves its memory. Meanwhile the recorder goes on reading,
 * however large the sums are.
 */
#ifndef RECORD_CHECKPOINT_H
#define RECORD_CHECKPOINT_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct recorder;

struct draft { /* the file beside the capture that will replace it */
	char path[PATH_MAX];
	int fd;
};

struct checkpoint {
	int spool, output;
	char *path; /* NULL: the output is no file that could be replaced */
	uint64_t interval_ns, next_ns; /* distance of checkpoints; 0: none before the end */
	uint64_t last_ns; /* of the latest checkpoint that is in place */
	uint64_t begun_ns; /* of the checkpoint that is being written */
	struct draft draft;
	pid_t child; /* that writes it; 0: none */
	int error; /* errno with which the latest checkpoint failed */
	const char *elsewhere; /* at the end: where the capture is, if it is not where it should be */
};

/* Makes the spool. path may be NULL. TRK_ERR_IO, TRK_ERR_NOMEM. */
int checkpoint_begin(struct checkpoint *k, int output, const char *path, uint64_t interval_ns);

/* The writer has begun. Until the first checkpoint, the file holds at least a header that says what it will be. */
void checkpoint_mark(const struct recorder *r);

/* Begins a checkpoint when it is due, and notices when one is done. */
void checkpoint_tick(struct recorder *r);

/* In a forked copy of the recorder: the sums as they are now, as a whole capture in fd, which is empty. An errno, or 0. */
int checkpoint_write(struct recorder *r, int fd);

/* The writer is finished, and the spool is the whole capture. Puts it in its place. Errors go into r->write_error. */
void checkpoint_finish(struct recorder *r);

void checkpoint_release(struct checkpoint *k);

#endif
