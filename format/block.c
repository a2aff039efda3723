/*
 * block - headers, checksums and compression of a capture's blocks. The file's own header: header.c.
 *
 * Encoder and decoder of one layout stand side by side, so that they are
 * changed together. The decoders check a checksum before they believe a field
 * and a limit before they return it.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <lz4.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "format/block.h"
#include "format/bytes.h"

static const uint8_t block_magic[4] = { 'T', 'R', 'K', 'B' };
static const uint8_t trailer_magic[4] = { 'T', 'R', 'K', 'E' };

#define PACKED (TRK_BLOCK_LZ4 | TRK_BLOCK_ZSTD)
/* Shorter payloads are not given to zstd: its start costs more than it saves. */
#define ZSTD_RAW_MIN (16u << 10)
#define ZSTD_LEVEL 1

/* How the payload is packed. Both bits are set only for types that have both; older types ignore the bit of zstd. */
static uint16_t packing(const struct trk_block_header *h)
{
	const bool old = h->type >= TRK_BLOCK_MODULES && h->type < TRK_BLOCK_PREDICTED;

	return h->flags & (old ? TRK_BLOCK_LZ4 : PACKED);
}

static uint32_t checksum(const uint8_t *bytes, size_t size)
{
	return XXH32(bytes, size, 0);
}

void trk_block_header_encode(const struct trk_block_header *h, uint8_t out[TRK_BLOCK_HEADER_BYTES])
{
	memcpy(out, block_magic, sizeof(block_magic));
	put_u16(out + 4, h->type);
	put_u16(out + 6, h->flags);
	put_u32(out + 8, h->raw_bytes);
	put_u32(out + 12, h->stored_bytes);
	put_u32(out + 16, h->process);
	put_u32(out + 20, h->items);
	put_u64(out + 24, h->first_time_ns);
	put_u64(out + 32, h->last_time_ns);
	put_u32(out + 40, h->payload_checksum);
	put_u32(out + 44, checksum(out, 44));
}

int trk_block_header_decode(const uint8_t *bytes, size_t size, struct trk_block_header *ret)
{
	struct trk_block_header h;

	if (size < TRK_BLOCK_HEADER_BYTES || memcmp(bytes, block_magic, sizeof(block_magic)))
		return TRK_ERR_CORRUPT;
	if (get_u32(bytes + 44) != checksum(bytes, 44))
		return TRK_ERR_CORRUPT;

	h.type = get_u16(bytes + 4);
	h.flags = get_u16(bytes + 6);
	h.raw_bytes = get_u32(bytes + 8);
	h.stored_bytes = get_u32(bytes + 12);
	h.process = get_u32(bytes + 16);
	h.items = get_u32(bytes + 20);
	h.first_time_ns = get_u64(bytes + 24);
	h.last_time_ns = get_u64(bytes + 32);
	h.payload_checksum = get_u32(bytes + 40);
	if (h.raw_bytes > TRK_BLOCK_RAW_MAX || h.stored_bytes > TRK_BLOCK_STORED_MAX)
		return TRK_ERR_CORRUPT;
	if (packing(&h) == PACKED || (!packing(&h) && h.stored_bytes != h.raw_bytes))
		return TRK_ERR_CORRUPT;
	*ret = h;
	return 0;
}

void trk_trailer_encode(uint64_t index_offset, uint8_t out[TRK_TRAILER_BYTES])
{
	put_u64(out, index_offset);
	put_u32(out + 8, checksum(out, 8));
	memcpy(out + 12, trailer_magic, sizeof(trailer_magic));
}

int trk_trailer_decode(const uint8_t bytes[TRK_TRAILER_BYTES], uint64_t *ret_index_offset)
{
	if (memcmp(bytes + 12, trailer_magic, sizeof(trailer_magic)) ||
	    get_u32(bytes + 8) != checksum(bytes, 8))
		return TRK_ERR_CORRUPT;
	*ret_index_offset = get_u64(bytes);
	return 0;
}

/* A payload that does not shrink is stored as it is, so that none is ever longer than raw. */
size_t trk_block_bound(uint32_t raw_bytes)
{
	return raw_bytes;
}

/*
 * Events are most of a capture. Their columns hold no repetition that LZ4 would find, but numbers of uneven
 * frequency: zstd takes a third off. All other blocks are packed by LZ4, which is faster. Returns the bytes of the
 * packed payload; 0: it does not shrink.
 */
static size_t pack(struct trk_block_header *h, const uint8_t *raw, uint8_t *out, enum trk_packing packing)
{
	const size_t room = h->raw_bytes ? h->raw_bytes - 1 : 0;

	if (packing == TRK_PACK_NONE)
		return 0;
	if (packing == TRK_PACK_BEST && h->type >= TRK_BLOCK_PREDICTED && h->raw_bytes >= ZSTD_RAW_MIN) {
		const size_t n = ZSTD_compress(out, room, raw, h->raw_bytes, ZSTD_LEVEL);

		h->flags |= TRK_BLOCK_ZSTD;
		return ZSTD_isError(n) ? 0 : n;
	}
	h->flags |= TRK_BLOCK_LZ4;
	return room ? (size_t)LZ4_compress_default((const char *)raw, (char *)out, (int)h->raw_bytes,
						   (int)room) :
		      0;
}

size_t trk_block_encode(struct trk_block_header *h, const uint8_t *raw, uint8_t *out,
			enum trk_packing packing)
{
	uint8_t *payload = out + TRK_BLOCK_HEADER_BYTES;

	h->flags &= TRK_BLOCK_MUST_UNDERSTAND;

	const size_t packed = pack(h, raw, payload, packing);

	if (packed > 0) {
		h->stored_bytes = (uint32_t)packed;
	} else {
		h->flags &= TRK_BLOCK_MUST_UNDERSTAND;
		h->stored_bytes = h->raw_bytes;
		if (h->raw_bytes) /* raw may be NULL otherwise */
			memcpy(payload, raw, h->raw_bytes);
	}
	h->payload_checksum = checksum(payload, h->stored_bytes);
	trk_block_header_encode(h, out);
	return TRK_BLOCK_HEADER_BYTES + h->stored_bytes;
}

void trk_padding_encode(struct trk_block_header *ret, const uint8_t *payload, uint32_t bytes,
			uint8_t out[TRK_BLOCK_HEADER_BYTES])
{
	*ret = (struct trk_block_header){
		.type = TRK_BLOCK_PADDING,
		.raw_bytes = bytes,
		.stored_bytes = bytes,
		.process = TRK_NO_PROCESS,
		.payload_checksum = checksum(payload, bytes),
	};
	trk_block_header_encode(ret, out);
}

static int zstd_decode(const struct trk_block_header *h, const uint8_t *payload, uint8_t *raw)
{
	const size_t got = ZSTD_decompress(raw, h->raw_bytes, payload, h->stored_bytes);

	if (ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation)
		return TRK_ERR_NOMEM;
	return got == h->raw_bytes ? 0 : TRK_ERR_CORRUPT;
}

int trk_block_payload_decode(const struct trk_block_header *h, const uint8_t *payload, uint8_t *raw)
{
	if (checksum(payload, h->stored_bytes) != h->payload_checksum)
		return TRK_ERR_CORRUPT;
	if (!packing(h)) {
		if (h->raw_bytes)
			memcpy(raw, payload, h->raw_bytes);
		return 0;
	}
	if (packing(h) == TRK_BLOCK_ZSTD)
		return zstd_decode(h, payload, raw);

	const int got = LZ4_decompress_safe((const char *)payload, (char *)raw,
					    (int)h->stored_bytes, (int)h->raw_bytes);
	return got == (int)h->raw_bytes ? 0 : TRK_ERR_CORRUPT;
}
