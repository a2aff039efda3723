/*
 * files - the bytes of a capture: those of one file, or of the pieces of a rotated recording one behind
 * another. Offsets count over all of them.
 */
#ifndef REPLAY_FILES_H
#define REPLAY_FILES_H

#include <stdbool.h>

#include "format/trk.h"

struct piece {
	int fd;
	uint32_t number; /* 0: the file is no piece */
	uint64_t base, bytes; /* where it begins; its length */
	int recorder; /* pid of the process that was writing it before its length was taken; -1: not known which; 0: none */
};

struct files {
	struct piece *pieces; /* the oldest first */
	size_t count;
	uint64_t bytes;
	uint32_t left_out; /* so many older pieces do not belong to these: one in between is missing */
};

/*
 * Opens the file `path`, or, where there is none, its pieces: of one recording, without a hole,
 * the newest included. TRK_ERR_IO (errno), _MAGIC, _NOMEM, with `fault` filled. Finish it in any case.
 */
int files_open(struct files *f, const char *path, struct trk_fault *fault);
void files_finish(struct files *f); /* zero-safe */

/* Drops the newest piece, which must not be the only one. */
void files_drop_newest(struct files *f);

/* Reads exactly n bytes of one piece; false when they are not there. */
bool files_read(const struct files *f, uint64_t offset, void *bytes, size_t n);

/* Fills `fault` with that error and sentence, and returns the error. */
int files_fail(struct trk_fault *fault, enum trk_err code, const char *why);

#endif
