/*
 * fuzz_capture - whole files: opened, every question of a report asked, seeking by keyframes, summed up.
 *
 * The first byte chooses. Its two low bits how the rest becomes a file: 0 as it is; 1, 3 a list
 * of blocks; 2 as it is, but with right checksums. Five bits above them: one of the questions, 0 all.
 * The highest: the list of blocks is a sampled capture.
 */
#include "capture_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct trk_header header = { .version = TRK_VERSION, .page_bytes = 4096 };
	unsigned which;

	if (!size || size > FILE_MAX)
		return 0;
	which = data[0] >> 2 & 31;
	which = which ? which - 1 : QUESTIONS + 1;
	if (data[0] & 0x80) {
		header.required = TRK_FEATURE_SAMPLED;
		header.sample_bytes = 512;
	}
	if (data[0] & 1)
		run_file(file, build_file(&header, data + 1, size - 1), which);
	else if (data[0] & 2)
		run_file(file, stamp_file(data + 1, size - 1), which);
	else
		run_file(data + 1, size - 1, which);
	return 0;
}
