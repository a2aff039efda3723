/* block - headers, payloads and trailers to bytes and back; damaged ones. */
#include "unit.h"

#include <stdbool.h>

#include "format/block.h"
#include "format/bytes.h"

static const struct trk_header header = {
	.version = 1, .header_bytes = 64, .start_unix_ns = 1234567890123456789ull, .page_bytes = 4096, .id = 0xfedcba9876543210ull
};

/* XXH32 of nothing, seed 0, as the xxHash specification gives it. */
#define XXH32_EMPTY 0x02cc5d05u

static void header_comes_back(void **unused)
{
	uint8_t b[TRK_HEADER_BYTES];
	struct trk_header got;
	struct trk_fault f;

	trk_header_encode(&header, b);
	assert_memory_equal(b, "\x89TRK\r\n\x1a\n\x01\x00", 10);
	assert_int_equal(trk_header_decode(b, sizeof(b), &got, &f), 0);
	assert_int_equal(got.version, 1);
	assert_int_equal(got.header_bytes, 64);
	assert_true(got.start_unix_ns == header.start_unix_ns);
	assert_int_equal(got.page_bytes, 4096);
	assert_true(got.id == header.id);
}

static int decode_changed(const struct trk_header *h, struct trk_fault *f)
{
	uint8_t b[TRK_HEADER_BYTES];
	struct trk_header got = { .id = 99 };
	int err;

	trk_header_encode(h, b);
	err = trk_header_decode(b, sizeof(b), &got, f);
	assert_int_equal(got.id, err ? 99 : h->id);
	assert_int_equal(f->code, err);
	return err;
}

static void newer_files_are_refused_by_name(void **unused)
{
	struct trk_header h = header;
	struct trk_fault f = { 0 };

	h.version = 2;
	assert_int_equal(decode_changed(&h, &f), TRK_ERR_VERSION);
	assert_non_null(strstr(f.why, "version 2"));
	h = header;
	h.required = 1ull << 41 | 1ull << 50;
	assert_int_equal(decode_changed(&h, &f), TRK_ERR_FEATURE);
	assert_non_null(strstr(f.why, "41"));
	h = header;
	h.content = 7;
	assert_int_equal(decode_changed(&h, &f), TRK_ERR_FEATURE);
	h = header;
	h.minor = 9;
	f.code = 0;
	assert_int_equal(decode_changed(&h, &f), 0);
}

static void what_is_no_capture_is_named(void **unused)
{
	static const uint8_t zeros[64];
	uint8_t b[TRK_HEADER_BYTES];
	struct trk_header got;
	struct trk_fault f;

	assert_int_equal(trk_header_decode(zeros, 0, &got, &f), TRK_ERR_MAGIC);
	assert_non_null(strstr(f.why, "empty"));
	assert_int_equal(trk_header_decode(zeros, 64, &got, &f), TRK_ERR_MAGIC);
	assert_int_equal(trk_header_decode((const uint8_t *)"#!/bin/sh\n", 10, &got, &f), TRK_ERR_MAGIC);
	trk_header_encode(&header, b);
	for (size_t n = 1; n < sizeof(b); n++)
		assert_int_equal(trk_header_decode(b, n, &got, &f), TRK_ERR_CORRUPT);
}

static void a_flipped_bit_in_the_header_is_noticed(void **unused)
{
	uint8_t b[TRK_HEADER_BYTES];
	struct trk_header got;
	struct trk_fault f;

	trk_header_encode(&header, b);
	for (size_t bit = 0; bit < 8 * sizeof(b); bit++) {
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(trk_header_decode(b, sizeof(b), &got, &f),
				 bit < 64 ? TRK_ERR_MAGIC : TRK_ERR_CORRUPT);
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

/* Encodes raw[0..size) and checks that it decodes to itself; tells how it was compressed. */
static uint16_t payload_comes_back(enum trk_block_type type, const uint8_t *raw, uint32_t size)
{
	struct trk_block_header h = {
		.type = type,
		.raw_bytes = size,
		.process = 3,
		.items = 17,
		.first_time_ns = 5,
		.last_time_ns = UINT64_MAX,
		.flags = TRK_BLOCK_MUST_UNDERSTAND,
	};
	const size_t room = TRK_BLOCK_HEADER_BYTES + trk_block_bound(size);
	uint8_t *out = malloc(room), *back = malloc(size + 1);
	const size_t n = trk_block_encode(&h, raw, out, TRK_PACK_BEST);
	struct trk_block_header got;
	uint16_t packed;

	assert_true(n <= room);
	assert_int_equal(trk_block_header_decode(out, n, &got), 0);
	assert_int_equal(got.type, type);
	assert_int_equal(got.raw_bytes, size);
	assert_int_equal(got.stored_bytes, n - TRK_BLOCK_HEADER_BYTES);
	assert_int_equal(got.process, 3);
	assert_int_equal(got.items, 17);
	assert_true(got.first_time_ns == 5 && got.last_time_ns == UINT64_MAX);
	assert_true(got.flags & TRK_BLOCK_MUST_UNDERSTAND);
	assert_int_equal(trk_block_payload_decode(&got, out + TRK_BLOCK_HEADER_BYTES, back), 0);
	assert_memory_equal(back, raw, size);
	packed = got.flags & (TRK_BLOCK_LZ4 | TRK_BLOCK_ZSTD);
	assert_true(!!packed == (got.stored_bytes < size));
	free(out);
	free(back);
	return packed;
}

static void payloads_come_back_and_never_grow(void **unused)
{
	uint8_t *raw = malloc(TRK_BLOCK_RAW_MAX);
	uint64_t seed = 3;

	memset(raw, 'a', TRK_BLOCK_RAW_MAX);
	for (enum trk_block_type type = TRK_BLOCK_EVENTS; type <= TRK_BLOCK_PREDICTED;
	     type += TRK_BLOCK_PREDICTED - TRK_BLOCK_EVENTS) {
		const bool events = type == TRK_BLOCK_PREDICTED;

		assert_int_equal(payload_comes_back(type, raw, 0), 0);
		assert_int_equal(payload_comes_back(type, raw, 1), 0);
		assert_int_equal(payload_comes_back(type, raw, 1000), TRK_BLOCK_LZ4);
		assert_int_equal(payload_comes_back(type, raw, TRK_BLOCK_RAW_MAX),
				 events ? TRK_BLOCK_ZSTD : TRK_BLOCK_LZ4);
	}
	for (size_t i = 0; i < TRK_BLOCK_RAW_MAX; i++)
		raw[i] = (uint8_t)random_next(&seed);
	for (enum trk_block_type type = TRK_BLOCK_EVENTS; type <= TRK_BLOCK_PREDICTED;
	     type += TRK_BLOCK_PREDICTED - TRK_BLOCK_EVENTS) {
		assert_int_equal(payload_comes_back(type, raw, TRK_BLOCK_RAW_MAX), 0);
		assert_int_equal(payload_comes_back(type, raw, 77), 0);
	}
	free(raw);
}

static void an_empty_block_has_the_checksum_of_nothing(void **unused)
{
	struct trk_block_header h = { .type = TRK_BLOCK_INDEX };
	uint8_t out[TRK_BLOCK_HEADER_BYTES];

	assert_int_equal(trk_block_encode(&h, NULL, out, TRK_PACK_BEST), TRK_BLOCK_HEADER_BYTES);
	assert_int_equal(get_u32(out + 40), XXH32_EMPTY);
}

static void a_flipped_bit_in_a_block_is_noticed(void **unused)
{
	uint8_t raw[300], back[300], out[TRK_BLOCK_HEADER_BYTES + 300];
	struct trk_block_header h = { .type = TRK_BLOCK_NODES, .raw_bytes = sizeof(raw) }, got;
	size_t n;

	for (size_t i = 0; i < sizeof(raw); i++)
		raw[i] = (uint8_t)(i % 23);
	n = trk_block_encode(&h, raw, out, TRK_PACK_BEST);
	assert_true(h.flags & TRK_BLOCK_LZ4);
	for (size_t bit = 0; bit < 8 * n; bit++) {
		const uint8_t *payload = out + TRK_BLOCK_HEADER_BYTES;
		int err;

		out[bit / 8] ^= (uint8_t)(1u << bit % 8);
		err = trk_block_header_decode(out, n, &got);
		if (bit >= 8 * TRK_BLOCK_HEADER_BYTES) {
			assert_int_equal(err, 0);
			err = trk_block_payload_decode(&got, payload, back);
		}
		assert_int_equal(err, TRK_ERR_CORRUPT);
		out[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static int decode_lengths(uint16_t type, uint16_t flags, uint32_t raw, uint32_t stored)
{
	const struct trk_block_header h = { .type = type, .flags = flags, .raw_bytes = raw, .stored_bytes = stored };
	struct trk_block_header got;
	uint8_t b[TRK_BLOCK_HEADER_BYTES];

	trk_block_header_encode(&h, b);
	return trk_block_header_decode(b, sizeof(b), &got);
}

static void lengths_beyond_the_limits_are_refused(void **unused)
{
	assert_int_equal(decode_lengths(TRK_BLOCK_NODES, TRK_BLOCK_LZ4, 1u << 20, (1u << 20) + 4096), 0);
	assert_int_equal(decode_lengths(TRK_BLOCK_NODES, TRK_BLOCK_LZ4, (1u << 20) + 1, 10), TRK_ERR_CORRUPT);
	assert_int_equal(decode_lengths(TRK_BLOCK_NODES, TRK_BLOCK_LZ4, 10, (1u << 20) + 4097), TRK_ERR_CORRUPT);
	assert_int_equal(decode_lengths(TRK_BLOCK_NODES, TRK_BLOCK_LZ4, UINT32_MAX, UINT32_MAX), TRK_ERR_CORRUPT);
	assert_int_equal(decode_lengths(TRK_BLOCK_NODES, 0, 10, 10), 0);
	assert_int_equal(decode_lengths(TRK_BLOCK_NODES, 0, 10, 9), TRK_ERR_CORRUPT);
}

/* The second way came with the type that uses it: what is older ignored that bit, and still does. */
static void a_block_is_compressed_in_one_way(void **unused)
{
	const uint16_t both = TRK_BLOCK_LZ4 | TRK_BLOCK_ZSTD;

	assert_int_equal(decode_lengths(TRK_BLOCK_PREDICTED, both, 10, 9), TRK_ERR_CORRUPT);
	assert_int_equal(decode_lengths(99, both, 10, 10), TRK_ERR_CORRUPT);
	assert_int_equal(decode_lengths(TRK_BLOCK_PREDICTED, TRK_BLOCK_ZSTD, 10, 9), 0);
	assert_int_equal(decode_lengths(TRK_BLOCK_PREDICTED, TRK_BLOCK_LZ4, 10, 9), 0);
	assert_int_equal(decode_lengths(TRK_BLOCK_PREDICTED, 0, 10, 9), TRK_ERR_CORRUPT);
	for (uint16_t type = TRK_BLOCK_MODULES; type < TRK_BLOCK_PREDICTED; type++) {
		assert_int_equal(decode_lengths(type, both, 10, 9), 0);
		assert_int_equal(decode_lengths(type, TRK_BLOCK_ZSTD, 10, 9), TRK_ERR_CORRUPT);
		assert_int_equal(decode_lengths(type, TRK_BLOCK_ZSTD, 10, 10), 0);
	}
}

/* Right checksums over a payload that is not compressed like that, or has another length. */
static void lies_about_compression_are_refused(void **unused)
{
	enum { SIZE = 32768 };
	uint8_t *const raw = calloc(1, SIZE), *const back = malloc(2 * SIZE);
	uint8_t *const out = malloc(TRK_BLOCK_HEADER_BYTES + SIZE);
	const uint8_t *const payload = out + TRK_BLOCK_HEADER_BYTES;

	for (enum trk_block_type type = TRK_BLOCK_EVENTS; type <= TRK_BLOCK_PREDICTED;
	     type += TRK_BLOCK_PREDICTED - TRK_BLOCK_EVENTS) {
		struct trk_block_header h = { .type = type, .raw_bytes = SIZE };

		trk_block_encode(&h, raw, out, TRK_PACK_BEST);
		assert_int_equal(trk_block_payload_decode(&h, payload, back), 0);
		h.raw_bytes = SIZE - 1;
		assert_int_equal(trk_block_payload_decode(&h, payload, back), TRK_ERR_CORRUPT);
		h.raw_bytes = SIZE + 1;
		assert_int_equal(trk_block_payload_decode(&h, payload, back), TRK_ERR_CORRUPT);
		h.raw_bytes = SIZE;
		h.type = TRK_BLOCK_PREDICTED;
		h.flags ^= TRK_BLOCK_LZ4 | TRK_BLOCK_ZSTD;
		assert_int_equal(trk_block_payload_decode(&h, payload, back), TRK_ERR_CORRUPT);
	}
	free(raw);
	free(out);
	free(back);
}

static void cut_block_headers_are_refused(void **unused)
{
	struct trk_block_header h = { 0 };
	uint8_t out[TRK_BLOCK_HEADER_BYTES];

	trk_block_encode(&h, NULL, out, TRK_PACK_BEST);
	for (size_t n = 0; n < sizeof(out); n++)
		assert_int_equal(trk_block_header_decode(out, n, &h), TRK_ERR_CORRUPT);
}

static void trailer_comes_back_and_notices_flips(void **unused)
{
	uint8_t b[TRK_TRAILER_BYTES];
	uint64_t offset = 0;

	trk_trailer_encode(0x123456789abcdefull, b);
	assert_int_equal(trk_trailer_decode(b, &offset), 0);
	assert_true(offset == 0x123456789abcdefull);
	for (size_t bit = 0; bit < 8 * sizeof(b); bit++) {
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(trk_trailer_decode(b, &offset), TRK_ERR_CORRUPT);
		b[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_comes_back),
		cmocka_unit_test(newer_files_are_refused_by_name),
		cmocka_unit_test(what_is_no_capture_is_named),
		cmocka_unit_test(a_flipped_bit_in_the_header_is_noticed),
		cmocka_unit_test(payloads_come_back_and_never_grow),
		cmocka_unit_test(an_empty_block_has_the_checksum_of_nothing),
		cmocka_unit_test(a_flipped_bit_in_a_block_is_noticed),
		cmocka_unit_test(lengths_beyond_the_limits_are_refused),
		cmocka_unit_test(a_block_is_compressed_in_one_way),
		cmocka_unit_test(lies_about_compression_are_refused),
		cmocka_unit_test(cut_block_headers_are_refused),
		cmocka_unit_test(trailer_comes_back_and_notices_flips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
