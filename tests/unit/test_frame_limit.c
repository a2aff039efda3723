/* frame_limit - values of TRACKER_TRACE: as python3 takes PYTHONTRACEMALLOC. */
#include "unit.h"

#include <stdio.h>

#include "libtracker/frame_limit.h"

static void each_value_means_what_it_says(void **state)
{
	static const struct {
		const char *text;
		int frames;
	} values[] = {
		{ "", 0 },
		{ "0", 0 },
		{ "000", 0 },
		{ "1", 1 },
		{ "+7", 7 },
		{ " 7", 7 },
		{ "\t\n 25", 25 },
		{ "00000000000000000012", 12 },
		{ "65535", 65535 },
		{ "65536", -1 },
		{ "99999999999999999999", -1 },
		{ "4294967297", -1 },
		{ "-1", -1 },
		{ "-0", 0 },
		{ "++7", -1 },
		{ "+ 7", -1 },
		{ "7 ", -1 },
		{ "7x", -1 },
		{ "0x10", -1 },
		{ "1e3", -1 },
		{ "1.0", -1 },
		{ "abc", -1 },
		{ "\xd9\xa1", -1 },
		{ " ", -1 },
		{ "+", -1 },
		{ "-", -1 },
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		if (frame_limit(values[i].text) != values[i].frames)
			fail_msg("\"%s\": %d, want %d", values[i].text, frame_limit(values[i].text), values[i].frames);
}

/* Every number in range and around its ends, against the C library's reading. */
static void numbers_are_read_as_strtol_reads_them(void **state)
{
	char text[16];

	for (long n = 0; n < 70000; n++) {
		snprintf(text, sizeof(text), "%ld", n);
		assert_int_equal(frame_limit(text), n <= 65535 ? strtol(text, NULL, 10) : -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_value_means_what_it_says),
		cmocka_unit_test(numbers_are_read_as_strtol_reads_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
