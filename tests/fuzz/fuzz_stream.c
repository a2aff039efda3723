/*
 * fuzz_stream - what a peer sends to tracker-receive, in pieces of any length. Checksums stop nearly every mutation, so the
 * input also stands behind a right hello, and as the payload of right headers.
 */
#include "fuzz.h"

#include "format/bytes.h"
#include "tools/stream/incoming.h"

/* Whatever is passed on must be what stands in a capture. */
static void check_part(const struct incoming *s, enum incoming_part part)
{
	struct trk_block_header h;

	MUST(part != INCOMING_BAD || (s->why && *s->why));
	if (part != INCOMING_BYTES)
		return;
	MUST(s->byte_count <= STREAM_PART_MAX);
	if (s->is_rest)
		return;
	MUST(trk_block_header_decode(s->bytes, s->byte_count, &h) == 0);
	MUST(s->byte_count == TRK_BLOCK_HEADER_BYTES + h.stored_bytes);
	MUST(stream_checksum(s->bytes + TRK_BLOCK_HEADER_BYTES, h.stored_bytes) == h.payload_checksum);
}

/* `step`: how many bytes come at once, at most. Returns how many parts were whole. */
static unsigned feed(struct incoming *s, const uint8_t *data, size_t size, size_t step)
{
	unsigned parts = 0;

	while (size) {
		size_t room = 0;
		uint8_t *const to = incoming_room(s, &room);
		enum incoming_part part;
		size_t n = room < size ? room : size;

		if (!to)
			break;
		MUST(room);
		n = n < step ? n : step;
		memcpy(to, data, n);
		data += n;
		size -= n;
		part = incoming_took(s, n);
		check_part(s, part);
		parts += part != INCOMING_MORE && part != INCOMING_BAD;
	}
	return parts;
}

static void put_hello(uint8_t out[STREAM_HELLO_BYTES])
{
	const struct trk_header header = { .version = TRK_VERSION, .page_bytes = 4096, .id = 1 };
	struct stream_hello h = { .kept = 0 };

	trk_header_encode(&header, h.header);
	stream_hello_encode(&h, out);
}

static void behind_hello(const uint8_t *data, size_t size)
{
	uint8_t hello[STREAM_HELLO_BYTES];
	struct incoming s;

	put_hello(hello);
	incoming_begin(&s);
	MUST(feed(&s, hello, sizeof(hello), 7) == 1);
	(void)feed(&s, data, size, SIZE_MAX);
	incoming_end(&s);
}

/* The input as a block, and as the rest of a file: both come back as they are. */
static void comes_back(const uint8_t *data, size_t size)
{
	const struct stream_record r = { .type = STREAM_REST, .bytes = (uint32_t)size, .checksum = stream_checksum(data, size) };
	struct trk_block_header h = { .type = TRK_BLOCK_NODES, .raw_bytes = (uint32_t)size };
	uint8_t *const room = malloc(TRK_BLOCK_HEADER_BYTES + trk_block_bound((uint32_t)size)), hello[STREAM_HELLO_BYTES], record[STREAM_RECORD_BYTES];
	struct incoming s;
	size_t n;

	if (!room || size > TRK_BLOCK_RAW_MAX) {
		free(room);
		return;
	}
	n = trk_block_encode(&h, data, room, TRK_PACK_BEST);
	put_hello(hello);
	stream_record_encode(&r, record);
	incoming_begin(&s);
	MUST(feed(&s, hello, sizeof(hello), SIZE_MAX) == 1);
	MUST(feed(&s, room, n, 1000) == 1);
	MUST(s.byte_count == n && !memcmp(s.bytes, room, n));
	MUST(feed(&s, record, sizeof(record), SIZE_MAX) + feed(&s, data, size, 1000) == 1);
	MUST(s.byte_count == size && (!size || !memcmp(s.bytes, data, size)));
	MUST(feed(&s, room, n, SIZE_MAX) == 0 && s.why); /* no block behind it */
	incoming_end(&s);
	free(room);
}

static void answers(const uint8_t *data, size_t size)
{
	uint8_t out[STREAM_ANSWER_BYTES];
	struct stream_answer a;

	if (size < STREAM_ANSWER_BYTES)
		return;
	if (stream_answer_decode(data, &a) == 0)
		MUST(a.code < STREAM_CODES);
	stream_answer_encode(&(struct stream_answer){ .code = data[0] % STREAM_CODES, .bytes = get_u64(data + 1) }, out);
	MUST(stream_answer_decode(out, &a) == 0 && a.code == data[0] % STREAM_CODES && a.bytes == get_u64(data + 1));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct incoming s;

	incoming_begin(&s);
	(void)feed(&s, data, size, size ? 1 + data[0] : 1);
	incoming_end(&s);
	behind_hello(data, size);
	comes_back(data, size);
	answers(data, size);
	return 0;
}
