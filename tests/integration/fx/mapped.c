/*
 * mapped 1..5 - anonymous mappings unmapped in parts; the peak is 11, 12, 10,
 * 13 or 17 pages. No heap is used at all, so the peak is theirs alone.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "truth.h"

#define PAGE 4096ul

static char *map(unsigned pages)
{
	char *const p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED, "mmap");
	return p;
}

static char *map_at(unsigned long at, unsigned pages)
{
	char *const p = mmap((void *)at, pages * PAGE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	must(p == (char *)at, "mmap at a fixed place");
	return p;
}

static void unmap(char *p, unsigned pages)
{
	must(munmap(p, pages * PAGE) == 0, "munmap");
}

int main(int argc, char **argv)
{
	char *p;

	switch (argc > 1 ? atoi(argv[1]) : 0) {
	case 1:
		p = map(2);
		unmap(p, 1);
		map(10);
		break;
	case 2:
		p = map(4);
		unmap(p + PAGE, 2);
		map(10);
		break;
	case 3: /* one munmap over two neighbours */
		p = map_at(0x200000000000ul, 4);
		map_at(0x200000000000ul + 4 * PAGE, 4);
		unmap(p, 8);
		map(10);
		break;
	case 4: /* from the middle, then from one of the halves */
		p = map(5);
		unmap(p + 2 * PAGE, 1);
		unmap(p, 1);
		map(10);
		break;
	case 5:
		p = map(8);
		unmap(p + 7 * PAGE, 1);
		map(10);
		break;
	default:
		return 2;
	}
	return 0;
}
