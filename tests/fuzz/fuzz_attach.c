/*
 * fuzz_attach - memory in the place of a program's that is attached to, with a module at its beginning: its headers, names and unwind
 * information are read, and a thread's stack is walked.
 *
 * Input: 17 registers, of four bytes each, as distances from the beginning of the module; the end of the stack, likewise; then the memory.
 */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "tools/allocations.h"
#include "tools/attach/judge.h"

#define BASE 0x10000u /* where the module is mapped */
#define SIZE_MAX_ (1u << 20)
#define HEAD_BYTES (4u * (REG_COUNT + 1))
#define UNREAD_MAX 4u
#define ASK_FREE (64u << 10)
#define ASK_PER_BYTE 4u

static void walk(const struct target *t, const struct images *all, const struct ground *g, const uint8_t *head)
{
	uintptr_t regs[REG_COUNT];
	uint32_t distance;

	for (unsigned i = 0; i < REG_COUNT; i++) {
		memcpy(&distance, head + 4u * i, sizeof(distance));
		regs[i] = BASE + distance;
	}
	memcpy(&distance, head + 4u * REG_COUNT, sizeof(distance));
	for (unsigned i = 0; i < UNREAD_MAX; i++) {
		const char *why = NULL;
		struct image *unread = NULL;
		const enum stack_verdict verdict = stack_judge(t, all, g, regs, BASE + distance, BASE + 1, &why, &unread);

		if (verdict != STACK_UNREAD)
			return;
		MUST(unread && !unread->copied);
		image_copy(unread, t);
	}
}

static void read_module(const struct target *t, const uint8_t *head)
{
	static const char *const names[] = { "malloc", "free", "dlopen", "_fini" };
	const struct image loader = { .path = "" }; /* elsewhere */
	struct images all = { 0 };
	struct ground g = { 0 };
	struct image *m;

	MUST(images_read(&all, t) == 0);
	m = images_find(&all, t, "fuzzed", "libfuzzed.so");
	for (size_t i = 0; i < all.count; i++)
		for (size_t n = 0; n < sizeof(names) / sizeof(*names); n++)
			(void)image_defines(&all.list[i], t, names[n]);
	if (m) {
		for (size_t n = 0; n < sizeof(names) / sizeof(*names); n++)
			(void)image_symbol(m, names[n]);
		ground_survey(&g, &all, t, &loader, m);
		MUST(g.count <= GROUND_RANGES);
	}
	walk(t, &all, &g, head);
	images_finish(&all);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const int memory = size > HEAD_BYTES && size - HEAD_BYTES <= SIZE_MAX_ ? memfd_create("fuzz", MFD_CLOEXEC) : -1;
	struct area whole = { .start = BASE, .end = BASE + (size - HEAD_BYTES + 4095) / 4096 * 4096, .readable = true, .path = "/lib/libfuzzed.so" };
	const struct target t = { .memory = memory, .areas = &whole, .area_count = 1 };

	if (memory < 0)
		return 0;
	MUST(pwrite(memory, data + HEAD_BYTES, size - HEAD_BYTES, BASE) == (ssize_t)(size - HEAD_BYTES));
	MUST(ftruncate(memory, (off_t)whole.end) == 0);
	allocations_reset(0);
	read_module(&t, data);
	MUST(allocations.live == 0 && allocations.peak <= ASK_FREE + ASK_PER_BYTE * size);
	close(memory);
	return 0;
}
