/*
 * fuzz_elf - a module's file out of any bytes: names are looked up in it, or it is refused. libelf and
 * libdw read it, too; what they do wrong by themselves is theirs.
 */
#include "fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "symbols/resolver.h"

#define FRAMES 16u

static void look_up(struct resolver *r, const char *path)
{
	struct resolver_module *const m = resolver_module(r, path, NULL, 0);
	struct resolved_frame frames[FRAMES];

	MUST(m);
	if (resolver_module_state(m) > RESOLVER_STRIPPED)
		return;
	for (uint64_t address = 0; address < 0x6000; address += 0x2f) {
		const size_t n = resolver_lookup(m, address, frames, FRAMES);

		MUST(n <= FRAMES);
		for (size_t i = 0; i < n; i++) {
			MUST(!frames[i].function || strlen(frames[i].function) < 1u << 24);
			MUST(!frames[i].file || strlen(frames[i].file) < 1u << 24);
		}
		MUST(!n || !frames[n - 1].inlined || n == FRAMES);
	}
	(void)resolver_lookup(m, UINT64_MAX, frames, FRAMES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct resolver *r = NULL;
	char path[64];
	const int fd = memfd_create("module", MFD_CLOEXEC);

	if (fd < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	MUST(resolver_new(&r) == 0);
	if (write(fd, data, size) == (ssize_t)size)
		look_up(r, path);
	resolver_free(r);
	close(fd);
	return 0;
}
