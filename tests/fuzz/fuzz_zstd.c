/*
 * fuzz_zstd - a file with compressed sections out of any bytes: it is unpacked into a copy that libelf reads, within what
 * is allowed, or left alone. The file itself stays as it is.
 */
#include "fuzz.h"

#include <gelf.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "symbols/zstd_sections.h"

#define RATIO_MAX 20000ull /* as zstd_sections.c has it: of each compressed byte at most */

static void check_copy(int fd, size_t size)
{
	Elf *const elf = elf_begin(fd, ELF_C_READ, NULL);
	struct stat st;
	GElf_Shdr header;

	MUST(fstat(fd, &st) == 0 && st.st_size >= (off_t)size);
	MUST((uint64_t)st.st_size <= (size + 1) * (RATIO_MAX + 1) + size * 64);
	for (Elf_Scn *s = NULL; elf && (s = elf_nextscn(elf, s));)
		(void)gelf_getshdr(s, &header);
	if (elf)
		elf_end(elf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const int fd = memfd_create("fuzz_zstd", MFD_CLOEXEC);
	char *const after = malloc(size + 1);

	MUST(after && fd >= 0 && write(fd, data, size) == (ssize_t)size);
	elf_version(EV_CURRENT);
	const int copy = zstd_sections_copy(fd);

	if (copy >= 0) {
		check_copy(copy, size);
		close(copy);
	}
	MUST(pread(fd, after, size + 1, 0) == (ssize_t)size && memcmp(after, data, size) == 0);
	close(fd);
	free(after);
	return 0;
}
