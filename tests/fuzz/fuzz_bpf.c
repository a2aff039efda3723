/*
 * fuzz_bpf - filters of system calls out of any bytes, which tracker attach runs for the calls of the library. Eight bytes are an
 * instruction; what is behind the last one is left out.
 */
#include "fuzz.h"

#include "tools/attach/filters.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sock_filter code[BPF_MAXINSNS];
	const size_t count = size / sizeof(*code) < BPF_MAXINSNS ? size / sizeof(*code) : BPF_MAXINSNS;
	const char *call = NULL;

	if (count)
		memcpy(code, data, count * sizeof(*code));
	MUST(ask_filter(code, (unsigned)count, &call) == FILTERS_ALLOW || call);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		const uint32_t said = run(code, (unsigned)count, calls[i].call, calls[i].arguments);

		MUST(said == run(code, (unsigned)count, calls[i].call, calls[i].arguments)); /* it computes with nothing but that */
	}
	return 0;
}
