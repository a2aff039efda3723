/* fuzz_jitdump - a jitdump out of any bytes. The first byte says by how many bytes it grows between two looks at it. */
#include "fuzz.h"

#include "symbols/jitdump.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct jitdump d = { .origin_ns = 1000 };
	struct made_code *c;
	uint64_t at = 0, time = 0;

	if (!size || made_code_new(&c) < 0)
		return 0;
	const size_t piece = data[0] + 1u;

	data++, size--;
	for (size_t end = piece < size ? piece : size;; end = end + piece < size ? end + piece : size) {
		at += at < end ? jitdump_read(&d, c, data + at, end - at, end - at) : 0;
		MUST(at <= end || d.begun);
		made_code_advance(c, time += 100);
		(void)made_code_offset(c, 0x1000 + time);
		if (end == size)
			break;
	}
	made_code_advance(c, UINT64_MAX);
	for (uint64_t a = 1; a < 1ull << 48; a = a * 3 + 1) {
		const char *const name = made_code_name(c, made_code_offset(c, a));

		MUST(!name || (*name && strlen(name) <= MADE_CODE_NAME_MAX));
	}
	made_code_free(c);
	return 0;
}
