/*
 * fuzz_debug_frame - unwind information that is not loaded, out of any bytes. The first byte chooses: even, the rest is a
 * .debug_frame, of which functions are looked up and interpreted; odd, it is a file in which one is looked for.
 */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "frame_entries.h"
#include "frame_file.h"
#include "modules_fallback.h"
#include "raw.h"

/* What cfi.c asks for where unwind information is loaded. */
bool modules_fallback_find(uintptr_t pc, struct cfi_module *ret)
{
	(void)pc;
	(void)ret;
	return false;
}

static void look_up(const struct frame_section *s, uintptr_t bias, uintptr_t pc)
{
	static struct cfi_scratch scratch;
	struct cfi_fde f;

	if (!frame_entries_find(s, bias, pc, &f))
		return;
	MUST(f.start <= pc && f.ra_reg < REG_COUNT);
	MUST(f.initial >= s->bytes && f.initial <= f.initial_end && f.initial_end <= s->bytes + s->size);
	MUST(f.instructions >= s->bytes && f.instructions <= f.end && f.end <= s->bytes + s->size);
	(void)cfi_row_at(&f, pc, &scratch);
}

/* Addresses that stand anywhere in it, as functions' starts do, and further ones. */
static void as_section(const uint8_t *data, size_t size)
{
	const struct frame_section s = { data, size };

	for (size_t at = 0; at + 8 <= size && at < 512; at += 4) {
		uint64_t address;

		memcpy(&address, data + at, sizeof(address));
		for (uint64_t further = 0; further < 40; further += 13)
			look_up(&s, 0, address + further);
	}
	look_up(&s, UINT64_MAX / 2, 0);
}

static void as_file(const uint8_t *data, size_t size)
{
	const int fd = memfd_create("fuzz_debug_frame", MFD_CLOEXEC);
	const uint8_t *bytes;
	size_t count;

	MUST(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	if (frame_file_read(&(struct frame_file){ .fd = fd }, &bytes, &count)) {
		MUST(count > 0);
		as_section(bytes, count);
		raw_release((void *)bytes, count);
	}
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;

	uint8_t *const copy = malloc(size > 1 ? size - 1 : 1); /* of the exact size */

	MUST(copy);
	memcpy(copy, data + 1, size - 1);
	if (data[0] % 2)
		as_file(copy, size - 1);
	else
		as_section(copy, size - 1);
	free(copy);
	return 0;
}
