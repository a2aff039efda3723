/*
 * outgoing - a capture that grows, cut into the parts of a stream: whole blocks as the recorder writes them, what
 * stands behind the last one, and the end. It knows nothing of sockets.
 */
#ifndef STREAM_OUTGOING_H
#define STREAM_OUTGOING_H

#include "format/stream_parts.h"

struct outgoing {
	int file;
	int recorder; /* pidfd of who writes it; -1: none */
	bool is_spool; /* what the receiver has is given back to the file system */
	bool is_over; /* nobody writes the file any more */
	uint64_t file_bytes; /* as of the last look */
	uint64_t next; /* the part in `part` ends there in the file */
	uint64_t given_back; /* the bytes up to there are gone; 0: none */
	uint8_t header[TRK_HEADER_BYTES];
	uint8_t *part; /* at most STREAM_PART_MAX */
	size_t part_bytes; /* 0: there is none */
	bool is_end; /* the part is the last one */
	int error; /* errno: the file cannot be read */
};

/* False: no memory. */
bool outgoing_begin(struct outgoing *o, int file, int recorder, bool is_spool);
/* Sees how long the file is, and whether it is over. */
void outgoing_look(struct outgoing *o);
/* Whether the capture has begun: its header is there. */
bool outgoing_has_header(struct outgoing *o);
/* The receiver has so many bytes of the file: the next part follows them. False: it cannot have them. */
bool outgoing_seek(struct outgoing *o, uint64_t bytes);
/* Makes the next part. False: there is none yet. */
bool outgoing_next(struct outgoing *o);
void outgoing_ping(struct outgoing *o);
/* The receiver has so many bytes for good. */
void outgoing_give_back(struct outgoing *o, uint64_t bytes);
void outgoing_release(struct outgoing *o);

#endif
