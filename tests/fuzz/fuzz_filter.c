/*
 * fuzz_filter - filters out of any text: what parses with + parses with -, and
 * lets through exactly what the other one drops.
 */
#include "fuzz.h"

#include "common/filter.h"

#define TEXT_MAX 64 /* fnmatch takes exponential time for many stars */

static const struct source_frame frames[] = {
	{ .file = "a.c", .line = 1 },
	{ .file = "/src/b.c", .line = 0 },
	{ .file = "<unknown>", .line = 0 },
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT_MAX + 2] = "+";
	struct filters keep = { 0 }, drop = { 0 };

	if (size > TEXT_MAX)
		size = TEXT_MAX;
	if (size)
		memcpy(text + 1, data, size);
	const bool good = filters_add(&keep, text);
	text[0] = '-';
	MUST(filters_add(&drop, text) == good);
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++)
		for (uint32_t domain = 0; good && domain < 3; domain++)
			MUST(filters_pass(&keep, &frames[i], 3 - i, 0, domain) !=
			     filters_pass(&drop, &frames[i], 3 - i, 0, domain));
	filters_finish(&keep);
	filters_finish(&drop);
	return 0;
}
