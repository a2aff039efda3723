/*
 * torture_maps MODE - what can be done to anonymous mappings. They are put where nothing else
 * is, so the kernel says in /proc/self/maps how much of them is left: the line "M".
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "modes.h"

#define PAGE 4096ul
#define REGION 0x200000000000ul
#define REGION_END 0x210000000000ul

enum { ANY = PROT_READ | PROT_WRITE, ANONYMOUS = MAP_PRIVATE | MAP_ANONYMOUS };

static char *at(unsigned long page) { return (char *)(REGION + page * PAGE); }

static char *map(unsigned long page, unsigned long pages)
{
	char *const p = mmap(at(page), pages * PAGE, ANY, ANONYMOUS | MAP_FIXED, -1, 0);

	must(p == at(page), "mmap at a fixed place");
	return p;
}

static void unmap(unsigned long page, unsigned long pages)
{
	must(munmap(at(page), pages * PAGE) == 0, "munmap");
}

static char *move(unsigned long from, unsigned long pages, unsigned long to, unsigned long new_pages)
{
	char *const p = mremap(at(from), pages * PAGE, new_pages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(to));

	must(p == at(to), "mremap to a fixed place");
	return p;
}

static int maps_fd; /* opened before anything is told */

static unsigned long hex(const char **text)
{
	unsigned long n = 0;

	for (; **text; ++*text) {
		const char c = **text;

		if (c >= '0' && c <= '9')
			n = n << 4 | (unsigned long)(c - '0');
		else if (c >= 'a' && c <= 'f')
			n = n << 4 | (unsigned long)(c - 'a' + 10);
		else
			break;
	}
	return n;
}

/* Without the heap: bytes of anonymous mappings (inode 0) in the region. */
static unsigned long left(void)
{
	static char text[1 << 20];
	unsigned long bytes = 0;
	size_t size = 0;
	ssize_t got;

	while ((got = read(maps_fd, text + size, sizeof(text) - 1 - size)) > 0)
		size += (size_t)got;
	must(got == 0 && size < sizeof(text) - 1, "maps");
	for (const char *p = text; *p; p = strchr(p, '\n') + 1) {
		const unsigned long start = hex(&p);
		const unsigned long end = (p++, hex(&p));

		if (start >= REGION && end <= REGION_END && strstr(p, " 00:00 0") && strstr(p, " 00:00 0") < strchr(p, '\n'))
			bytes += end - start;
	}
	return bytes;
}

static void tell(void) { truth_line("M", "left", 0, left()); }

/* Over others of its kind: whole, in the middle, across two, and a file over all. */
static void mode_over(void)
{
	const int zero = open("/proc/self/exe", O_RDONLY);

	map(0, 10);
	map(0, 10);
	map(3, 4);
	map(20, 10);
	map(30, 10);
	map(25, 10);
	map(50, 10);
	must(mmap(at(52), 3 * PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, zero, 0) == at(52), "a file over it");
	must(mmap(at(54), PAGE, ANY, ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED && errno == EEXIST,
	     "what must not replace");
	map(54, 1);
	unmap(52, 1);
	truth("mmap", 10 * PAGE, 6);
	truth("mmap", 4 * PAGE, 1);
	tell();
}

static void mode_partial(void)
{
	map(0, 10);
	unmap(0, 2);
	unmap(8, 2);
	unmap(4, 2);
	map(20, 10);
	must(munmap(at(20), 1) == 0, "munmap of one byte");
	must(munmap(at(22), PAGE + 1) == 0, "munmap of a page and a byte");
	map(40, 1);
	map(41, 1);
	map(42, 1);
	unmap(40, 3);
	unmap(60, 100); /* where nothing is */
	must(mmap(at(200), 3 * PAGE + 1, ANY, ANONYMOUS | MAP_FIXED, -1, 0) == at(200), "three pages and a byte");
	must(munmap(at(203), 1) == 0, "its last page");
	truth("mmap", 10 * PAGE, 2);
	truth("mmap", PAGE, 3);
	truth("mmap", 3 * PAGE + 1, 1);
	tell();
}

/* What the kernel refuses changes nothing. */
static void mode_refused(void)
{
	volatile size_t none = 0, all = ~0ul, half = ~0ul >> 1;

	map(0, 10);
	must(munmap(at(1) + 1, PAGE) < 0 && errno == EINVAL, "munmap at an odd address");
	must(munmap(at(1), none) < 0 && errno == EINVAL, "munmap of nothing");
	must(munmap(at(1), all) < 0 && errno == EINVAL, "munmap of everything");
	must(munmap(at(1), half) < 0 && errno == EINVAL, "munmap of half of everything");
	must(munmap(at(0), 0x7fffffffffffull) < 0 && errno == EINVAL, "munmap beyond the end of the address space");
	must(mmap(NULL, none, ANY, ANONYMOUS, -1, 0) == MAP_FAILED && errno == EINVAL, "mmap of nothing");
	must(mmap(NULL, half, ANY, ANONYMOUS, -1, 0) == MAP_FAILED && errno == ENOMEM, "mmap of too much");
	must(mmap(at(1) + 1, PAGE, ANY, ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED, "mmap at an odd address");
	must(mremap(at(1), PAGE, none, MREMAP_MAYMOVE) == MAP_FAILED, "mremap to nothing");
	must(mremap(at(1), PAGE, half, MREMAP_MAYMOVE) == MAP_FAILED, "mremap to too much");
	must(mremap(at(1) + 1, PAGE, PAGE, MREMAP_MAYMOVE) == MAP_FAILED, "mremap at an odd address");
	must(mremap(at(1), PAGE, 2 * PAGE, 0) == MAP_FAILED, "mremap where it cannot grow");
	must(mremap(at(8), 4 * PAGE, 5 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED, "mremap of more than there is");
	must(mremap(at(1), PAGE, PAGE, 64) == MAP_FAILED, "mremap with a flag that is none");
	must(mremap(at(1), 3 * PAGE, 3 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(2)) == MAP_FAILED,
	     "mremap onto itself");
	tell();
}

static void mode_moved(void)
{
	map(0, 10);
	move(0, 10, 100, 10); /* as it is */
	move(100, 10, 200, 20); /* grown */
	move(200, 20, 300, 5); /* shrunk */
	map(400, 10);
	move(300, 5, 402, 5); /* over another one */
	map(500, 10);
	move(503, 2, 600, 4); /* the middle of one */
	must(mremap(at(600), 4 * PAGE, 2 * PAGE, 0) == at(600), "shrunk in place");
	must(mremap(at(600), 2 * PAGE, 6 * PAGE, 0) == at(600), "grown in place");
	must(mremap(at(600), 6 * PAGE, 6 * PAGE, 0) == at(600), "as large as it was");
	truth("mmap", 10 * PAGE, 3);
	truth("mremap", 10 * PAGE, 1);
	truth("mremap", 20 * PAGE, 1);
	truth("mremap", 5 * PAGE, 2);
	truth("mremap", 4 * PAGE, 1);
	truth("mremap", 2 * PAGE, 1);
	truth("mremap", 6 * PAGE, 2);
	tell();
}

/* Both stay mapped: what was moved away is empty; a shared one may be there twice. */
static void mode_left_behind(void)
{
	char *p;

	map(0, 10);
	p = mremap(at(0), 10 * PAGE, 10 * PAGE, MREMAP_MAYMOVE | MREMAP_DONTUNMAP | MREMAP_FIXED, at(100));
	must(p == at(100), "mremap that does not unmap");
	p = mmap(at(200), 7 * PAGE, ANY, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	must(p == at(200) && madvise(p, 7 * PAGE, MADV_DONTNEED) == 0, "madvise");
	must(mprotect(p + PAGE, PAGE, PROT_NONE) == 0, "mprotect");
	truth("mmap", 10 * PAGE, 1);
	truth("mremap", 10 * PAGE, 1);
	truth("mmap", 7 * PAGE, 1);
	tell();
}

/* Any of these, wherever it meets the others: the kernel's view is the truth. */
static void mode_random(void)
{
	enum { PAGES = 200, STEPS = 20000 };
	unsigned x = 12345;

	for (int i = 0; i < STEPS; i++) {
		x = x * 1103515245u + 12345u;
		const unsigned long from = (x >> 8) % PAGES, pages = 1 + (x >> 16) % 12, to = (x >> 4) % PAGES;
		const unsigned long grown = 1 + (x >> 24) % 12;

		switch (x >> 30) {
		case 0:
			map(from, pages);
			break;
		case 1:
			unmap(from, pages);
			break;
		case 2:
			(void)!mremap(at(from), pages * PAGE, grown * PAGE, 0);
			break;
		default: /* refused where it meets a hole, two mappings, or itself */
			(void)!mremap(at(from), pages * PAGE, grown * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at(to));
		}
	}
	tell();
}

/* Moves with holes in their way: what fails must not be told, wherever it stopped. */
static void mode_sbrk(void)
{
	for (int i = 0; i < 50; i++) {
		char *const p = sbrk(3 * PAGE);

		must(p != (void *)-1, "sbrk");
		p[0] = p[3 * PAGE - 1] = 1;
		churn(1001, 10);
		keep(malloc(50001));
		if (sbrk(0) == p + 3 * PAGE)
			must(brk(p) == 0, "brk");
	}
	truth_churn(1001, 500);
	truth("malloc", 50001, 50);
	truth_leaked(50001, 50);
}

static const struct mode modes[] = {
	MODE(over), MODE(partial), MODE(refused), MODE(moved), MODE(left_behind), MODE(random), MODE(sbrk),
};

int main(int argc, char **argv)
{
	maps_fd = open("/proc/self/maps", O_RDONLY);
	return RUN_MODE(argc, argv, modes);
}
