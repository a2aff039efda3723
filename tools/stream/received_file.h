/*
 * received_file - the file into which a capture is received: at any moment it is a capture, up to the last whole block that came.
 */
#ifndef STREAM_RECEIVED_FILE_H
#define STREAM_RECEIVED_FILE_H

#include "format/stream_parts.h"
#include "tools/run/capture_file.h"

struct kept {
	struct capture_file file;
	uint8_t header[TRK_HEADER_BYTES];
	bool begun; /* the file has the header, and `bytes` */
	uint64_t bytes;
	uint64_t most; /* it may have so many; 0: any number */
	bool is_full; /* the last bytes did not fit into that */
};

/*
 * Opens it. An unfinished capture that is there already goes on, unless `force` replaces it. False, and the reason is
 * printed.
 */
bool kept_open(struct kept *k, const char *path, bool force);
/* The first bytes of a new capture. False: errno. */
bool kept_begin(struct kept *k, const uint8_t header[TRK_HEADER_BYTES]);
/* The next bytes. False: errno, and nothing was added. */
bool kept_add(struct kept *k, const uint8_t *bytes, size_t size);
/* Nothing came: removes what was made. */
void kept_close(struct kept *k);

#endif
