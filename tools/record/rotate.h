/*
 * rotate - a capture in pieces. When one is as large as --max-size allows, the recording goes on in another file; the
 * newest files are kept. Each is a capture of its own.
 */
#ifndef RECORD_ROTATE_H
#define RECORD_ROTATE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "format/block.h"

#define ROTATE_MAX 9999u

struct recorder;

struct piece_file {
	dev_t device;
	ino_t inode;
	uint64_t bytes; /* without its figures and names; 0: it is still being written */
	uint64_t began_ns;
};

struct rotation {
	const char *path; /* pieces are named after it (format/pieces.h) */
	uint32_t keep; /* how many are kept; 0: the capture is one file */
	bool keep_on; /* another piece may be begun */
	int fd; /* of the newest piece, which is also read */
	struct trk_header header; /* of each */
	uint32_t number; /* of the newest, from 1 */
	struct piece_file *files; /* the newest `keep` pieces, by number */
	pid_t finisher; /* the copy that writes the end of the piece before; 0: none */
	int error; /* errno with which that failed */
};

/* fd: the first piece. The caller sets keep_on and header when that has begun. TRK_ERR_NOMEM. */
int rotate_begin(struct rotation *t, const char *path, uint32_t keep, int fd);

/*
 * The newest piece is full: goes on in another one. Must not be called in the middle of an event. False: that is not
 * possible, and a notice in the capture says why.
 */
bool rotate_now(struct recorder *r);

/* Waits until the piece before the newest has its end. Writes a notice if the end could not be written. */
void rotate_finish(struct recorder *r);

uint32_t rotate_first(const struct rotation *t); /* number of the oldest piece that exists */
uint64_t rotate_bytes(const struct rotation *t); /* bytes of all pieces but the newest, about */

#endif
