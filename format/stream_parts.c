/* stream_parts - see stream_parts.h. */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "format/bytes.h"
#include "format/stream_parts.h"

static const uint8_t hello_magic[8] = { 0x89, 'T', 'R', 'S', '\r', '\n', 0x1a, '\n' };
static const uint8_t answer_magic[4] = { 'T', 'R', 'K', 'A' };
static const uint8_t record_magic[4] = { 'T', 'R', 'K', 'S' };

uint32_t stream_checksum(const uint8_t *bytes, size_t size)
{
	return XXH32(bytes, size, 0);
}

void stream_hello_encode(const struct stream_hello *h, uint8_t out[STREAM_HELLO_BYTES])
{
	memset(out, 0, STREAM_HELLO_BYTES);
	memcpy(out, hello_magic, sizeof(hello_magic));
	put_u16(out + 8, STREAM_VERSION);
	put_u64(out + 16, h->kept);
	memcpy(out + 24, h->header, TRK_HEADER_BYTES);
	put_u32(out + 92, stream_checksum(out, 92));
}

const char *stream_hello_decode(const uint8_t bytes[STREAM_HELLO_BYTES], struct stream_hello *ret)
{
	struct trk_header header;
	struct trk_fault fault;

	if (memcmp(bytes, hello_magic, sizeof(hello_magic)))
		return "it does not speak the protocol of tracker";
	if (get_u16(bytes + 8) > STREAM_VERSION)
		return "it speaks a newer form of the stream; upgrade tracker here";
	if (get_u32(bytes + 92) != stream_checksum(bytes, 92))
		return "its first bytes are damaged";
	ret->kept = get_u64(bytes + 16);
	memcpy(ret->header, bytes + 24, TRK_HEADER_BYTES);
	switch (trk_header_decode(ret->header, TRK_HEADER_BYTES, &header, &fault)) {
	case 0:
		return NULL;
	case TRK_ERR_VERSION:
	case TRK_ERR_FEATURE:
		return "its captures are those of a newer version; upgrade tracker here";
	default:
		return "its capture has no valid header";
	}
}

void stream_answer_encode(const struct stream_answer *a, uint8_t out[STREAM_ANSWER_BYTES])
{
	memset(out, 0, STREAM_ANSWER_BYTES);
	memcpy(out, answer_magic, sizeof(answer_magic));
	put_u16(out + 4, STREAM_VERSION);
	put_u16(out + 6, (uint16_t)a->code);
	put_u64(out + 8, a->bytes);
	put_u32(out + 20, stream_checksum(out, 20));
}

int stream_answer_decode(const uint8_t bytes[STREAM_ANSWER_BYTES], struct stream_answer *ret)
{
	if (memcmp(bytes, answer_magic, sizeof(answer_magic)) || get_u32(bytes + 20) != stream_checksum(bytes, 20) ||
	    get_u16(bytes + 6) >= STREAM_CODES)
		return TRK_ERR_CORRUPT;
	ret->code = (enum stream_code)get_u16(bytes + 6);
	ret->bytes = get_u64(bytes + 8);
	return 0;
}

bool stream_is_record(const uint8_t bytes[STREAM_RECORD_BYTES])
{
	return !memcmp(bytes, record_magic, sizeof(record_magic));
}

void stream_record_encode(const struct stream_record *r, uint8_t out[STREAM_RECORD_BYTES])
{
	memset(out, 0, STREAM_RECORD_BYTES);
	memcpy(out, record_magic, sizeof(record_magic));
	put_u16(out + 4, (uint16_t)r->type);
	put_u32(out + 12, r->bytes);
	put_u64(out + 24, r->file_bytes);
	put_u32(out + 40, r->checksum);
	put_u32(out + 44, stream_checksum(out, 44));
}

int stream_record_decode(const uint8_t bytes[STREAM_RECORD_BYTES], struct stream_record *ret)
{
	const struct stream_record r = {
		.type = (enum stream_type)get_u16(bytes + 4),
		.bytes = get_u32(bytes + 12),
		.file_bytes = get_u64(bytes + 24),
		.checksum = get_u32(bytes + 40),
	};

	if (!stream_is_record(bytes) || get_u32(bytes + 44) != stream_checksum(bytes, 44))
		return TRK_ERR_CORRUPT;
	if (r.type < STREAM_REST || r.type > STREAM_PING || r.bytes > (r.type == STREAM_REST ? TRK_BLOCK_RAW_MAX : 0))
		return TRK_ERR_CORRUPT;
	*ret = r;
	return 0;
}
