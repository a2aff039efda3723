/*
 * fuzz_python - any memory in the place of an interpreter's structures: the comparison with what a version has reads nothing that is
 * not mapped, and comes to an end.
 *
 * The first byte chooses the version. The rest is memory, behind which nothing is mapped. Words whose highest byte is HERE are
 * addresses within it, so that a structure can be written down.
 */
#include "fuzz.h"

#include <sys/mman.h>

#include "python_private.h"

#define HERE 0x7eu
#define PAGES 4u
#define PAGE 4096u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct python p;
	static uint8_t *memory;
	/* words 23 to 70 of what 3.13.0 tells, as far as they are taken */
	static const uint64_t tells[PYTHON_TOLD_WORDS] = { [23] = 72, [29] = 8, [31] = 56, [33] = 70, [35] = 112, 120, 128, 136, 68, [43] = 200, [45] = 8, [47] = 24, [65] = 16, 32, [68] = 32, 16, 40 };
	const size_t bytes = PAGES * PAGE;
	uint64_t word;
	unsigned minor;

	if (!memory) {
		memory = mmap(NULL, bytes + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		MUST(memory != MAP_FAILED && mprotect(memory + bytes, PAGE, PROT_NONE) == 0);
	}
	if (!size)
		return 0;
	memset(memory, 0, bytes);
	memcpy(memory, data + 1, size - 1 < bytes ? size - 1 : bytes);
	for (size_t i = 0; i < bytes; i += sizeof(word)) {
		memcpy(&word, memory + i, sizeof(word));
		if (word >> 56 == HERE)
			word = (uintptr_t)memory + word % (bytes + PAGE);
		memcpy(memory + i, &word, sizeof(word));
	}
	/* what 3.13 tells is some of the memory, too; most often it is none that is believed, then it is what 3.13.0 tells */
	minor = 8 + data[0] % 6;
	p.layout = &p.found;
	if (python_layout_find(minor, (const uint64_t *)(memory + 4 * sizeof(word)), &p.found) != TRK_PYTHON_READ)
		MUST(python_layout_find(minor, tells, &p.found) == TRK_PYTHON_READ);
	p.code_type = (uintptr_t)memory + 8;
	p.string_type = (uintptr_t)memory + 16;
	p.bytes_type = (uintptr_t)memory + 24;
	for (size_t at = 0; at < bytes + PAGE; at += 512)
		MUST(python_compare(&p, (uintptr_t)memory + at) <= PYTHON_SAYS_DIFFERS);
	MUST(python_compare(&p, 0) == PYTHON_SAYS_DIFFERS);
	MUST(python_compare(&p, size > 9 ? memory[1] * 0x0101010101010101ull : 1) <= PYTHON_SAYS_DIFFERS);
	return 0;
}
