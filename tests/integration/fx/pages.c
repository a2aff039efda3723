/*
 * pages - mappings in pages of whatever size the kernel says that they have.
 *
 * What begins inside a page cannot be unmapped: the kernel refuses it, and nothing goes. (qemu, which
 * makes pages larger than this machine's, refuses nothing but takes nothing away, so the bytes are looked at.)
 */
#include <sys/mman.h>

#include "truth.h"

#define PAGES 8ul

static void must_be(const char *from, size_t bytes, char value)
{
	for (size_t i = 0; i < bytes; i += 512)
		must(from[i] == value, "a mapping that was not unmapped");
}

int main(void)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *const p = mmap(NULL, PAGES * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED, "mmap");
	memset(p, 1, PAGES * page);
	for (size_t part = 512; part < page; part *= 2) {
		(void)munmap(p + part, page - part);
		(void)munmap(p + part, part);
	}
	must_be(p, PAGES * page, 1);
	must(munmap(p + page, page) == 0, "munmap of a page");
	must_be(p, page, 1);
	must_be(p + 2 * page, (PAGES - 2) * page, 1);
	truth("mmap", PAGES * page, 1);
	truth_line("M", "left", 0, (PAGES - 1) * page);
	return 0;
}
