/*
 * fuzz_block - headers, trailers and payloads out of any bytes. A checksum
 * stops nearly every mutation, so a block with right checksums is built out of
 * the input, too.
 */
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "fuzz.h"

#include "format/block.h"
#include "format/bytes.h"

static void decode_payload(const struct trk_block_header *h, const uint8_t *payload)
{
	uint8_t *raw = malloc(h->raw_bytes ? h->raw_bytes : 1);

	if (raw)
		(void)trk_block_payload_decode(h, payload, raw);
	free(raw);
}

static void decode_as_it_is(const uint8_t *data, size_t size)
{
	struct trk_block_header b;
	struct trk_header h;
	struct trk_fault fault;
	uint64_t offset;

	if (trk_header_decode(data, size, &h, &fault))
		MUST(memchr(fault.why, 0, sizeof(fault.why)) && *fault.why);
	if (size >= TRK_TRAILER_BYTES)
		(void)trk_trailer_decode(data + size - TRK_TRAILER_BYTES, &offset);
	if (trk_block_header_decode(data, size, &b))
		return;
	MUST(b.raw_bytes <= TRK_BLOCK_RAW_MAX && b.stored_bytes <= TRK_BLOCK_STORED_MAX);
	if (b.stored_bytes <= size - TRK_BLOCK_HEADER_BYTES)
		decode_payload(&b, data + TRK_BLOCK_HEADER_BYTES);
}

/* 2 bytes flags, 4 bytes raw_bytes, the stored payload. */
static void decode_with_checksums(const uint8_t *data, size_t size)
{
	struct trk_block_header h = { .type = TRK_BLOCK_PREDICTED }, got;
	uint8_t header[TRK_BLOCK_HEADER_BYTES];

	if (size < 6 || size > TRK_BLOCK_RAW_MAX)
		return;
	h.flags = get_u16(data);
	h.raw_bytes = get_u32(data + 2);
	h.stored_bytes = (uint32_t)size - 6;
	h.payload_checksum = XXH32(data + 6, size - 6, 0);
	trk_block_header_encode(&h, header);
	if (trk_block_header_decode(header, sizeof(header), &got) == 0)
		decode_payload(&got, data + 6);
}

static void comes_back(enum trk_block_type type, const uint8_t *data, size_t size)
{
	struct trk_block_header h = { .type = type, .raw_bytes = (uint32_t)size }, got;
	uint8_t *out, *raw;

	if (size > TRK_BLOCK_RAW_MAX)
		return;
	out = malloc(TRK_BLOCK_HEADER_BYTES + trk_block_bound(h.raw_bytes));
	raw = malloc(size + 1);
	if (out && raw) {
		const size_t n = trk_block_encode(&h, data, out, TRK_PACK_BEST);

		MUST(trk_block_header_decode(out, n, &got) == 0);
		MUST(trk_block_payload_decode(&got, out + TRK_BLOCK_HEADER_BYTES, raw) == 0);
		MUST(got.raw_bytes == size && memcmp(raw, data, size) == 0);
	}
	free(out);
	free(raw);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	decode_as_it_is(data, size);
	decode_with_checksums(data, size);
	comes_back(TRK_BLOCK_NODES, data, size);
	comes_back(TRK_BLOCK_PREDICTED, data, size);
	return 0;
}
