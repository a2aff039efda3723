/*
 * fuzz_sums - aggregated captures: SUMS, TOTALS, SIZES, HISTORY and SUMMARY out of any bytes, behind
 * sound tables, and the questions that sums can answer. The first byte: odd, a sampled capture.
 * The rest: a list of {which block, 2 bytes length, payload}.
 */
#include "capture_input.h"

/* Two processes, two threads, three nodes: as a list of blocks (capture_input.h). */
static const uint8_t tables[] = {
	TRK_BLOCK_MODULES, 255, 1, 0, 7, 0, 1, 5, 2, '/', 'x', 0, 0,
	TRK_BLOCK_FRAMES, 255, 2, 0, 5, 0, 1, 1, 20, 1, 20,
	TRK_BLOCK_NODES, 255, 3, 0, 7, 0, 1, 1, 1, 1, 2, 3, 1,
	TRK_BLOCK_PROCESSES, 255, 2, 0, 6, 0, 2, 0, 9, 2, 1, 10,
	TRK_BLOCK_THREADS, 255, 2, 0, 8, 0, 3, 0, 0, 9, 3, 1, 1, 10
};
static const uint8_t kinds[] = { TRK_BLOCK_SUMS, TRK_BLOCK_TOTALS, TRK_BLOCK_SIZES, TRK_BLOCK_HISTORY,
				 TRK_BLOCK_SUMMARY };

static uint8_t list[FILE_MAX];

static size_t put_blocks(const uint8_t *data, size_t size, size_t n)
{
	for (size_t at = 0; size - at >= 3;) {
		const size_t left = size - at - 3, want = get_u16(data + at + 1);
		const size_t bytes = want < left ? want : left;

		if (n + DESCRIPTION_BYTES + bytes > sizeof(list))
			break;
		list[n] = kinds[data[at] % sizeof(kinds)];
		list[n + 1] = 255;
		list[n + 2] = list[n + 3] = 0;
		put_u16(list + n + 4, (uint16_t)bytes);
		memcpy(list + n + DESCRIPTION_BYTES, data + at + 3, bytes);
		n += DESCRIPTION_BYTES + bytes;
		at += 3 + bytes;
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trk_header header = { .version = TRK_VERSION, .page_bytes = 4096, .content = TRK_CONTENT_AGGREGATED };

	if (!size || size > FILE_MAX / 2)
		return 0;
	if (data[0] & 1) {
		header.required = TRK_FEATURE_SAMPLED;
		header.sample_bytes = 512;
	}
	memcpy(list, tables, sizeof(tables));
	run_file(file, build_file(&header, list, put_blocks(data + 1, size - 1, sizeof(tables))),
		 QUESTIONS + 1);
	return 0;
}
