/*
 * copy - finds the blocks of a capture without decoding them, and copies their bytes into another file, for tools that
 * add to a capture.
 */
#ifndef TOOLS_COPY_H
#define TOOLS_COPY_H

#include <stdbool.h>
#include <stdio.h>

#include "format/block.h"
#include "format/writer.h"
#include "replay/capture.h"

/* Opens the capture, or prints why that is not possible and returns an exit code. */
int copy_open_capture(struct capture **ret, const char *path);

/* Opens the file of a capture for reading; if the capture has several pieces, the newest, which has all tables. -1: printed. */
int copy_open_file(const struct capture *c);

struct copy {
	struct trk_block_header *blocks; /* all but INDEX, in file order */
	uint64_t *offsets;
	size_t count, block_room, offset_room;
	uint64_t bytes; /* up to the end of the last whole block, INDEX and trailer excluded */
	bool whole; /* nothing between the blocks, and the trailer is there */
};

/* Finds the blocks of the capture in fd. TRK_ERR_IO (errno), TRK_ERR_NOMEM, or the error of its header. */
int copy_scan(struct copy *c, int fd, struct trk_fault *fault);
void copy_finish(struct copy *c); /* zero-safe */

/* Writes the first c->bytes bytes of fd to `out`. Write errors stay in `out`. TRK_ERR_IO: reading failed. */
int copy_write(const struct copy *c, int fd, FILE *out);

#endif
