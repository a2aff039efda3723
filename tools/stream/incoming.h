/*
 * incoming - the bytes of one peer that sends a capture, as they come: cut into their parts, each of which is checked
 * before anybody sees it. It holds at most one part. It knows nothing of sockets and files.
 */
#ifndef STREAM_INCOMING_H
#define STREAM_INCOMING_H

#include "format/stream_parts.h"

enum incoming_part {
	INCOMING_MORE, /* none is whole yet */
	INCOMING_HELLO,
	INCOMING_BYTES, /* of the file: a block, or a part of its rest */
	INCOMING_PING,
	INCOMING_END,
	INCOMING_BAD, /* `why` says what is wrong; nothing more can be read */
};

struct incoming {
	uint8_t *buffer;
	size_t room, size, needed; /* so many bytes are there, of so many */
	enum { AT_HELLO,
	       AT_HEAD,
	       AT_BODY,
	       AT_NOTHING } stage;
	bool is_rest, had_rest, had_end; /* the part is one, or there was one */
	uint32_t checksum;
	/* what the part says */
	struct stream_hello hello;
	const uint8_t *bytes; /* until more is read */
	size_t byte_count;
	uint64_t file_bytes; /* END */
	const char *why; /* BAD */
};

void incoming_begin(struct incoming *s);
void incoming_end(struct incoming *s);
/* Where the next bytes are to be put, at most *ret of them. NULL: there is no memory, or the peer was bad. */
uint8_t *incoming_room(struct incoming *s, size_t *ret);
/* So many were put there. */
enum incoming_part incoming_took(struct incoming *s, size_t n);

#endif
