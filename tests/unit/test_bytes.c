/* bytes - varints, zigzag, fixed-width integers and the sticky reader. */
#include "unit.h"

#include "format/bytes.h"

static const uint64_t edges[] = { 0, 1, 127, 128, 16383, 16384, UINT32_MAX, INT64_MAX,
				  1ull << 63, UINT64_MAX };

/* The encoding of LEB128 as its definition has it: 300 = 0b10_0101100. */
static void varint_is_leb128(void **unused)
{
	uint8_t b[TRK_VARINT_MAX];

	assert_int_equal(put_varint(b, 300) - b, 2);
	assert_int_equal(b[0], 0xac);
	assert_int_equal(b[1], 0x02);
	assert_int_equal(put_varint(b, UINT64_MAX) - b, 10);
	assert_int_equal(b[9], 1);
}

static void zigzag_orders_by_distance_from_zero(void **unused)
{
	assert_int_equal(zigzag(0), 0);
	assert_int_equal(zigzag(-1), 1);
	assert_int_equal(zigzag(1), 2);
	assert_int_equal(zigzag(INT64_MAX), UINT64_MAX - 1);
	assert_int_equal(zigzag(INT64_MIN), UINT64_MAX);
}

static void numbers_come_back(void **unused)
{
	uint64_t seed = 1;

	for (int i = 0; i < 20000; i++) {
		const uint64_t v = i < 10 ? edges[i] : random_any(&seed);
		uint8_t b[2 * TRK_VARINT_MAX];
		const uint8_t *end = put_zigzag(put_varint(b, v), (int64_t)v);
		struct byte_reader r = byte_reader_of(b, (size_t)(end - b));

		assert_true(get_varint(&r) == v);
		assert_true(get_zigzag(&r) == (int64_t)v);
		assert_false(r.failed);
		assert_int_equal(bytes_left(&r), 0);
	}
}

static void fixed_width_is_little_endian(void **unused)
{
	uint8_t b[8];

	put_u64(b, 0x0102030405060708ull);
	assert_memory_equal(b, "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
	assert_true(get_u64(b) == 0x0102030405060708ull);
	assert_true(get_u32(b + 4) == 0x01020304);
	assert_true(get_u16(b + 6) == 0x0102);
}

static void cut_varint_fails_and_stays_failed(void **unused)
{
	const uint8_t b[] = { 0x80, 0x80, 0x80 };

	for (size_t n = 0; n <= sizeof(b); n++) {
		struct byte_reader r = byte_reader_of(b, n);

		assert_int_equal(get_varint(&r), 0);
		assert_true(r.failed);
		assert_int_equal(get_varint(&r), 0);
		assert_true(r.failed);
	}
}

static void varint_beyond_64_bits_fails(void **unused)
{
	static const char *const bad[] = {
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02",
		"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x81",
		"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",
	};

	for (size_t i = 0; i < 3; i++) {
		struct byte_reader r = byte_reader_of(bad[i], 11);

		assert_int_equal(get_varint(&r), 0);
		assert_true(r.failed);
	}
}

static void get_bytes_never_leaves_the_buffer(void **unused)
{
	struct byte_reader r = byte_reader_of("abcd", 4);

	assert_memory_equal(get_bytes(&r, 3), "abc", 3);
	assert_null(get_bytes(&r, 2));
	assert_true(r.failed);
	assert_int_equal(bytes_left(&r), 0);
	r = byte_reader_of("abcd", 4);
	assert_null(get_bytes(&r, UINT64_MAX));
	assert_true(r.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(varint_is_leb128),
		cmocka_unit_test(zigzag_orders_by_distance_from_zero),
		cmocka_unit_test(numbers_come_back),
		cmocka_unit_test(fixed_width_is_little_endian),
		cmocka_unit_test(cut_varint_fails_and_stays_failed),
		cmocka_unit_test(varint_beyond_64_bits_fails),
		cmocka_unit_test(get_bytes_never_leaves_the_buffer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
