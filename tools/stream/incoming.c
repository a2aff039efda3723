/* incoming - see incoming.h. */
#include "tools/stream/incoming.h"

#include <stdlib.h>

#define ROOM_FIRST 4096u

void incoming_begin(struct incoming *s)
{
	*s = (struct incoming){ .needed = STREAM_HELLO_BYTES };
}

void incoming_end(struct incoming *s)
{
	free(s->buffer);
	*s = (struct incoming){ .stage = AT_NOTHING };
}

uint8_t *incoming_room(struct incoming *s, size_t *ret)
{
	const size_t room = s->needed > ROOM_FIRST ? STREAM_PART_MAX : ROOM_FIRST;

	if (s->stage == AT_NOTHING)
		return NULL;
	if (s->room < room) {
		uint8_t *const larger = realloc(s->buffer, room);

		if (!larger)
			return NULL;
		s->buffer = larger;
		s->room = room;
	}
	*ret = s->needed - s->size;
	return s->buffer + s->size;
}

static enum incoming_part bad(struct incoming *s, const char *why)
{
	s->stage = AT_NOTHING;
	s->why = why;
	return INCOMING_BAD;
}

static enum incoming_part hello(struct incoming *s)
{
	const char *const why = stream_hello_decode(s->buffer, &s->hello);

	return why ? bad(s, why) : INCOMING_HELLO;
}

static enum incoming_part body(struct incoming *s)
{
	const uint8_t *const payload = s->buffer + TRK_BLOCK_HEADER_BYTES;
	const size_t count = s->size - TRK_BLOCK_HEADER_BYTES;

	if (stream_checksum(payload, count) != s->checksum)
		return bad(s, "a checksum is wrong");
	s->bytes = s->is_rest ? payload : s->buffer;
	s->byte_count = s->is_rest ? count : s->size;
	return INCOMING_BYTES;
}

static enum incoming_part expect_body(struct incoming *s, uint32_t bytes, uint32_t checksum)
{
	s->checksum = checksum;
	s->needed = TRK_BLOCK_HEADER_BYTES + bytes;
	if (!bytes)
		return body(s);
	s->stage = AT_BODY;
	return INCOMING_MORE;
}

static enum incoming_part record(struct incoming *s)
{
	struct stream_record r;

	if (stream_record_decode(s->buffer, &r) != 0)
		return bad(s, "a record of the stream is damaged");
	if (r.type == STREAM_PING)
		return INCOMING_PING;
	if (s->had_end)
		return bad(s, "something stands behind the end of the stream");
	if (r.type == STREAM_END) {
		s->had_end = true;
		s->file_bytes = r.file_bytes;
		return INCOMING_END;
	}
	s->is_rest = s->had_rest = true;
	return expect_body(s, r.bytes, r.checksum);
}

static enum incoming_part head(struct incoming *s)
{
	struct trk_block_header h;

	if (stream_is_record(s->buffer))
		return record(s);
	if (trk_block_header_decode(s->buffer, TRK_BLOCK_HEADER_BYTES, &h) != 0)
		return bad(s, "the header of a block is damaged");
	if (s->had_rest || s->had_end)
		return bad(s, "a block stands behind the end of the capture");
	s->is_rest = false;
	return expect_body(s, h.stored_bytes, h.payload_checksum);
}

enum incoming_part incoming_took(struct incoming *s, size_t n)
{
	enum incoming_part part;

	s->size += n;
	if (s->size < s->needed)
		return INCOMING_MORE;
	part = s->stage == AT_HELLO ? hello(s) : s->stage == AT_HEAD ? head(s) :
								       body(s);
	if (part == INCOMING_MORE || part == INCOMING_BAD)
		return part;
	/* the next part begins where this one stood */
	s->size = 0;
	s->needed = TRK_BLOCK_HEADER_BYTES;
	s->stage = AT_HEAD;
	return part;
}
