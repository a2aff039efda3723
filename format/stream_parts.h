/*
 * stream_parts - how a capture travels over a socket (docs/FORMAT.md, "The stream"): the few bytes that are no bytes of the
 * capture.
 *
 * Nothing here allocates. The decoders believe only what they have checked.
 */
#ifndef TRK_STREAM_PARTS_H
#define TRK_STREAM_PARTS_H

#include "format/block.h"

#define STREAM_HELLO_BYTES 96u
#define STREAM_ANSWER_BYTES 24u
#define STREAM_RECORD_BYTES TRK_BLOCK_HEADER_BYTES
#define STREAM_VERSION 1u
/* The largest part of a stream: a block, with its header. */
#define STREAM_PART_MAX (TRK_BLOCK_HEADER_BYTES + TRK_BLOCK_STORED_MAX)

/* What the sender says first. */
struct stream_hello {
	uint64_t kept; /* it has the bytes of the file from there on, and the header; 0: all */
	uint8_t header[TRK_HEADER_BYTES]; /* of the capture */
};

enum stream_code {
	STREAM_GO_ON = 0, /* so many bytes are there */
	STREAM_DONE, /* the capture is whole */
	STREAM_OTHER, /* the receiver is there for another recording */
	STREAM_GONE, /* it has less than the sender has given up */
	STREAM_FULL, /* it cannot write */
	STREAM_DAMAGED, /* what came is no stream */
	STREAM_CODES,
};

/* What the receiver says to the hello, and whenever it has taken something. */
struct stream_answer {
	enum stream_code code;
	uint64_t bytes; /* of the file, that it has */
};

/* What stands between blocks. */
enum stream_type {
	STREAM_REST = 1, /* bytes of the file that are no block: the trailer, or where a capture was cut */
	STREAM_END, /* the file has so many bytes; nothing follows */
	STREAM_PING, /* the sender lives */
};

struct stream_record {
	enum stream_type type;
	uint32_t bytes; /* that follow; only of REST */
	uint64_t file_bytes; /* END */
	uint32_t checksum; /* of the bytes */
};

uint32_t stream_checksum(const uint8_t *bytes, size_t size);

void stream_hello_encode(const struct stream_hello *h, uint8_t out[STREAM_HELLO_BYTES]);
/* Also checks the capture's header. Returns NULL, or what is wrong. */
const char *stream_hello_decode(const uint8_t bytes[STREAM_HELLO_BYTES], struct stream_hello *ret);

void stream_answer_encode(const struct stream_answer *a, uint8_t out[STREAM_ANSWER_BYTES]);
int stream_answer_decode(const uint8_t bytes[STREAM_ANSWER_BYTES], struct stream_answer *ret);

bool stream_is_record(const uint8_t bytes[STREAM_RECORD_BYTES]);
void stream_record_encode(const struct stream_record *r, uint8_t out[STREAM_RECORD_BYTES]);
int stream_record_decode(const uint8_t bytes[STREAM_RECORD_BYTES], struct stream_record *ret);

#endif
