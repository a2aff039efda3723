/* fuzz_perf_map - a perf map out of any bytes. The first byte says in pieces of how many bytes it is read. */
#include "fuzz.h"

#include "symbols/perf_map.h"

static size_t read_all(struct made_code *c, const char *text, size_t size, size_t piece)
{
	struct perf_map m = { 0 };
	size_t at = 0;

	while (at < size) {
		const bool last = size - at <= piece;
		const size_t n = last ? size - at : piece, used = perf_map_read(&m, c, text + at, n, last, !last);

		MUST(used && used <= n);
		at += used;
	}
	return at;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct made_code *c;

	if (!size || made_code_new(&c) < 0)
		return 0;
	MUST(read_all(c, (const char *)data + 1, size - 1, data[0] + 1u) == size - 1);
	made_code_advance(c, 1);
	for (uint64_t a = 1; a < 1ull << 48; a = a * 3 + 1) {
		const char *const name = made_code_name(c, made_code_offset(c, a));

		MUST(!name || (*name && strlen(name) <= MADE_CODE_NAME_MAX && !strchr(name, '\n')));
	}
	made_code_free(c);
	return 0;
}
