/* bucket - the rule by its own words: bucket b holds what needs at most 2^b blocks of 16 bytes, and no smaller one holds. */
#include "unit.h"

#include "format/bucket.h"

static void golden(void **state)
{
	static const struct {
		uint64_t bytes, blocks;
		unsigned bucket;
	} rows[] = {
		{ 0, 1, 0 },
		{ 1, 1, 0 },
		{ 16, 1, 0 },
		{ 17, 2, 1 },
		{ 32, 2, 1 },
		{ 33, 3, 2 },
		{ 48, 3, 2 },
		{ 64, 4, 2 },
		{ 65, 5, 3 },
		{ 128, 8, 3 },
		{ 129, 9, 4 },
		{ 256, 16, 4 },
		{ 262144, 16384, 14 },
		{ 262145, 16385, 15 },
		{ 524288, 32768, 15 },
		{ 524289, 32769, 15 },
		{ UINT64_MAX, 1ull << 60, 15 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_int_equal(bucket_blocks(rows[i].bytes), rows[i].blocks);
		assert_int_equal(bucket_of(rows[i].bytes), rows[i].bucket);
	}
}

static void words(void **state)
{
	(void)state;
	for (uint64_t bytes = 0; bytes < 600000; bytes++) {
		const uint64_t blocks = bytes ? (bytes + 15) / 16 : 1;
		unsigned b = 0;

		while (b < BUCKETS - 1 && blocks > 1ull << b)
			b++;
		if (bucket_blocks(bytes) != blocks || bucket_of(bytes) != b)
			fail_msg("%llu bytes", (unsigned long long)bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),
		cmocka_unit_test(words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
