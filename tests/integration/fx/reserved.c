/*
 * reserved - address space that is reserved, made heap and given back, with the state of every page known.
 *
 *   fx_reserved fuzz SEED CALLS   random mmap, mprotect, munmap, mremap and madvise in one window that was reserved
 *   fx_reserved small SEED CALLS  ... that was not: what is smaller than 16 MiB is heap, whoever may touch it
 *   fx_reserved WHAT              one scene, below
 *
 * Told is "heap BYTES peak BYTES reserved BYTES most BYTES": what is heap and what is reserved at the end, and
 * the most of each at one time. At the end the kernel is asked (/proc/self/maps) whether it sees the pages as we do.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "truth.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

#define PAGE 4096ul
#define LARGE (16ul << 20)
#define WINDOW 256u
#define ANONYMOUS (MAP_PRIVATE | MAP_ANONYMOUS)
#define READ_WRITE (PROT_READ | PROT_WRITE)

/* A page is one of these; an arena's page has been touched or not. */
enum page { NOTHING, FILE_PAGE, HEAP, RESERVED, UNTOUCHED, TOUCHED };

static enum page pages[WINDOW];
static bool within[WINDOW]; /* it was reserved by a call that is believed, and not unmapped since */
static bool closed[WINDOW]; /* nothing can touch it */
static char *const window = (char *)0x100000000000;
static uint64_t heap, reserved, peak, most;

static void add(enum page page, int64_t bytes)
{
	if (page == HEAP || page == TOUCHED)
		heap += (uint64_t)bytes;
	if (page == RESERVED || page == UNTOUCHED)
		reserved += (uint64_t)bytes;
}

static void look(void)
{
	peak = heap > peak ? heap : peak;
	most = reserved > most ? reserved : most;
}

static void set(unsigned at, unsigned n, enum page page)
{
	for (unsigned i = at; i < at + n; i++) {
		add(pages[i], -(int64_t)PAGE);
		pages[i] = page;
		add(page, PAGE);
	}
	look();
}

static void tell(void)
{
	char line[200];
	const int n = snprintf(line, sizeof(line), "heap %lu peak %lu reserved %lu most %lu\n",
			       (unsigned long)heap, (unsigned long)peak, (unsigned long)reserved, (unsigned long)most);

	must(write(1, line, (size_t)n) == n, "write");
}

/* ---- random calls ---- */

static uint64_t state;

static unsigned any(unsigned n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 11) % n;
}

static char *place(unsigned at)
{
	return window + at * PAGE;
}

static void note(bool *flags, unsigned at, unsigned n, bool value)
{
	memset(flags + at, value, n);
}

static bool is_believed(unsigned at, unsigned n)
{
	return memchr(within + at, true, n);
}

/* What is reserved or an arena's there. */
static void map_reserved(unsigned at, unsigned n, enum page page)
{
	const bool believed = is_believed(at, n);

	if (believed)
		note(within, at, n, true);
	set(at, n, believed ? page : HEAP);
}

static void map_over(unsigned at, unsigned n)
{
	static const struct {
		int prot, flags;
		enum page page;
	} ways[] = {
		{ READ_WRITE, ANONYMOUS, HEAP },
		{ PROT_READ, ANONYMOUS, HEAP },
		{ READ_WRITE, MAP_SHARED | MAP_ANONYMOUS, HEAP },
		{ PROT_NONE, ANONYMOUS, RESERVED },
		{ PROT_NONE, ANONYMOUS | MAP_NORESERVE, RESERVED },
		{ READ_WRITE, ANONYMOUS | MAP_NORESERVE, UNTOUCHED },
		{ READ_WRITE, ANONYMOUS | MAP_NORESERVE | MAP_POPULATE, HEAP },
	};
	const unsigned way = any(sizeof(ways) / sizeof(ways[0]));

	must(mmap(place(at), n * PAGE, ways[way].prot, ways[way].flags | MAP_FIXED, -1, 0) == place(at), "mmap");
	note(closed, at, n, ways[way].prot == PROT_NONE);
	if (ways[way].page == HEAP)
		set(at, n, HEAP);
	else
		map_reserved(at, n, ways[way].page);
}

static void protect(unsigned at, unsigned n)
{
	static const int prots[] = { PROT_NONE, PROT_NONE, PROT_READ, READ_WRITE, READ_WRITE };
	const int prot = prots[any(5)];

	for (unsigned i = at; i < at + n; i++)
		if (pages[i] == NOTHING || pages[i] == FILE_PAGE)
			return; /* the kernel would do the half of it */
	must(mprotect(place(at), n * PAGE, prot) == 0, "mprotect");
	note(closed, at, n, prot == PROT_NONE);
	if (prot == PROT_NONE && is_believed(at, n))
		map_reserved(at, n, RESERVED);
	for (unsigned i = at; i < at + n && prot != PROT_NONE; i++)
		if (pages[i] == RESERVED)
			set(i, 1, HEAP);
	/* arenas stay writable, so that they can be touched */
	if (prot == PROT_READ)
		must(mprotect(place(at), n * PAGE, READ_WRITE) == 0, "mprotect");
}

static enum page sort_of(enum page page)
{
	return page == TOUCHED ? UNTOUCHED : page;
}

/* How many pages from there on are alike. */
static unsigned run(unsigned at, unsigned limit)
{
	unsigned n = 0;

	while (n < limit && at + n < WINDOW && sort_of(pages[at + n]) == sort_of(pages[at]) &&
	       closed[at + n] == closed[at])
		n++;
	return n;
}

static void advise(unsigned at, unsigned n)
{
	static const int advices[] = { MADV_DONTNEED, MADV_FREE, MADV_POPULATE_WRITE };
	const int advice = advices[any(3)];
	const enum page after = advice == MADV_POPULATE_WRITE ? TOUCHED : UNTOUCHED;

	n = run(at, n);
	if (sort_of(pages[at]) != UNTOUCHED || madvise(place(at), n * PAGE, advice) != 0)
		return;
	if (advice != MADV_FREE)
		set(at, n, after);
}

/* The kernel refuses what is made of several mappings; what it does is what it does. */
static void move(unsigned at, unsigned n)
{
	const unsigned to = any(WINDOW - 20), old = run(at, n), size = 1 + any(19);
	const enum page sort = sort_of(pages[at]);
	const bool none = closed[at];
	enum page moved[20];

	if (pages[at] == NOTHING || pages[at] == FILE_PAGE || (at < to + size && to < at + old))
		return;
	for (unsigned i = 0; i < size; i++)
		moved[i] = i < old ? pages[at + i] : sort_of(pages[at]);
	if (mremap(place(at), old * PAGE, size * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, place(to)) == MAP_FAILED) {
		/* it may have unmapped what it would have moved to, and what it would have cut off */
		if (syscall(SYS_mremap, place(to), PAGE, PAGE, 0, 0) == -1 && sort_of(pages[to]) != NOTHING)
			_exit(77);
		return;
	}
	set(at, old, NOTHING);
	note(within, at, old, false);
	note(closed, at, old, false);
	note(closed, to, size, none);
	if (sort != HEAP)
		note(within, to, size, true);
	for (unsigned i = 0; i < size; i++)
		set(to + i, 1, moved[i]);
}

static void call(int file)
{
	const unsigned at = any(WINDOW - 20), n = 1 + any(19);

	switch (any(12)) {
	case 0 ... 3:
		map_over(at, n);
		return;
	case 4:
		must(mmap(place(at), n * PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0) == place(at), "a file");
		set(at, n, FILE_PAGE);
		note(within, at, n, false);
		note(closed, at, n, false);
		return;
	case 5:
		must(munmap(place(at), n * PAGE) == 0, "munmap");
		set(at, n, NOTHING);
		note(within, at, n, false);
		note(closed, at, n, false);
		return;
	case 6 ... 8:
		protect(at, n);
		return;
	case 9:
		move(at, n);
		return;
	default:
		advise(at, n);
	}
}

/* What the kernel calls them. */
static void compare(void)
{
	static char maps[1 << 20];
	static char seen[WINDOW]; /* 0: nothing, '-': nothing can touch it, 'r' */
	const int fd = open("/proc/self/maps", O_RDONLY);
	size_t size = 0;
	ssize_t got;

	while ((got = read(fd, maps + size, sizeof(maps) - 1 - size)) > 0)
		size += (size_t)got;
	close(fd);
	for (char *line = strtok(maps, "\n"); line; line = strtok(NULL, "\n")) {
		unsigned long start, end;
		char access;

		if (sscanf(line, "%lx-%lx %c", &start, &end, &access) != 3)
			continue;
		for (; start < end; start += PAGE)
			if (start >= (unsigned long)window && start < (unsigned long)place(WINDOW))
				seen[(start - (unsigned long)window) / PAGE] = access;
	}
	for (unsigned i = 0; i < WINDOW; i++)
		must((seen[i] == 0) == (pages[i] == NOTHING) && (seen[i] == '-') == closed[i],
		     "the kernel sees another page");
}

/* What no call meets stays reserved. */
static void reserve_window(void)
{
	must(mmap(window, LARGE, PROT_NONE, ANONYMOUS | MAP_FIXED, -1, 0) == window, "mmap");
	reserved = LARGE - WINDOW * PAGE;
	note(within, 0, WINDOW, true);
	note(closed, 0, WINDOW, true);
	set(0, WINDOW, RESERVED);
}

static void fuzz(uint64_t seed, int calls, bool in_reservation)
{
	const int file = open("/proc/self/exe", O_RDONLY);

	if (in_reservation)
		reserve_window();
	state = seed * 0x9e3779b97f4a7c15ull + 1;
	for (int i = 0; i < calls; i++)
		call(file);
	compare();
}

/* ---- scenes ---- */

static char *reserve(uint64_t bytes, int prot, int flags)
{
	char *const p = mmap(NULL, bytes, prot, ANONYMOUS | flags, -1, 0);

	must(p != MAP_FAILED, "mmap");
	reserved += bytes;
	look();
	return p;
}

static void becomes_heap(int64_t bytes)
{
	reserved -= (uint64_t)bytes;
	heap += (uint64_t)bytes;
	look();
}

/* As collectors do that want one range of addresses for ever. */
static void commit_by_mprotect(void)
{
	char *const p = reserve(64ul << 30, PROT_NONE, MAP_NORESERVE);

	for (int i = 0; i < 10; i++) {
		must(mprotect(p + ((uint64_t)i << 30), 100 * PAGE, READ_WRITE) == 0, "mprotect");
		memset(p + ((uint64_t)i << 30), 1, 100 * PAGE);
		becomes_heap(100 * PAGE);
	}
	must(mprotect(p, 50 * PAGE, PROT_NONE) == 0, "mprotect");
	becomes_heap(-50 * (int64_t)PAGE);
}

static void commit_by_mmap(void)
{
	char *const p = reserve(1ul << 40, PROT_NONE, MAP_NORESERVE);

	for (int i = 0; i < 10; i++) {
		char *const at = p + ((uint64_t)i << 30);

		must(mmap(at, 100 * PAGE, READ_WRITE, ANONYMOUS | MAP_FIXED, -1, 0) == at, "mmap");
		becomes_heap(100 * PAGE);
	}
	/* and back */
	must(mmap(p, 50 * PAGE, PROT_NONE, ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0) == p, "mmap");
	becomes_heap(-50 * (int64_t)PAGE);
}

static void give_back(void)
{
	char *const p = reserve(8ul << 30, PROT_NONE, 0);

	must(mprotect(p + (1 << 20), 1 << 20, READ_WRITE) == 0, "mprotect");
	becomes_heap(1 << 20);
	must(munmap(p, 8ul << 30) == 0, "munmap");
	heap = reserved = 0;
}

/* A range that was reserved moves as such. */
static void moved(void)
{
	char *p = reserve(1ul << 30, PROT_NONE, 0);

	p = mremap(p, 1ul << 30, 3ul << 30, MREMAP_MAYMOVE);
	must(p != MAP_FAILED, "mremap");
	reserved += 2ul << 30;
	look();
	must(mprotect(p, 10 * PAGE, READ_WRITE) == 0, "mprotect");
	becomes_heap(10 * PAGE);
}

/* A guard, and data that is only read from now on: what was heap stays heap, the guard of a small mapping with it. */
static void guarded(void)
{
	char *const p = reserve(20 * PAGE, READ_WRITE, 0);

	most = reserved = 0;
	heap = peak = 20 * PAGE;
	memset(p, 1, 20 * PAGE);
	must(mprotect(p, PAGE, PROT_NONE) == 0, "mprotect");
	must(mprotect(p + PAGE, 19 * PAGE, PROT_READ) == 0, "mprotect");
	must(madvise(p + PAGE, 19 * PAGE, MADV_DONTNEED) == 0, "madvise");
}

/* A small pool is what was asked for, however it is put to use. */
static void pool(void)
{
	const uint64_t size = 200 * PAGE;

	for (int i = 0; i < 10; i++) {
		char *const p = mmap(NULL, size, PROT_NONE, ANONYMOUS | MAP_NORESERVE, -1, 0);

		must(p != MAP_FAILED, "mmap");
		must(mmap(p + PAGE, 100 * PAGE, READ_WRITE, ANONYMOUS | MAP_FIXED, -1, 0) == p + PAGE, "mmap");
		must(mprotect(p + PAGE, 50 * PAGE, PROT_NONE) == 0, "mprotect");
		must(munmap(p, size) == 0, "munmap");
	}
	peak = size;
}

/* A page less than what is believed to be a reservation, and as much. */
static void threshold(void)
{
	must(mmap(NULL, LARGE - PAGE, PROT_NONE, ANONYMOUS, -1, 0) != MAP_FAILED, "mmap");
	must(mmap(NULL, LARGE - PAGE, READ_WRITE, ANONYMOUS | MAP_NORESERVE, -1, 0) != MAP_FAILED, "mmap");
	heap = peak = 2 * (LARGE - PAGE);
	(void)reserve(LARGE, PROT_NONE, 0);
	(void)reserve(LARGE, READ_WRITE, MAP_NORESERVE);
}

/* Small pages only: what is written is what is touched. */
static void scatter(char *p, uint64_t bytes, unsigned step)
{
	must(madvise(p, bytes, MADV_NOHUGEPAGE) == 0, "madvise");
	for (uint64_t i = 0; i < bytes; i += step * PAGE) {
		p[i] = 1;
		becomes_heap(PAGE);
	}
}

/* What nobody tells of: stores. The recorder sees them at the latest when the program ends. */
static void written(void)
{
	char *const p = reserve(1ul << 30, PROT_NONE, MAP_NORESERVE), *at = p + (100ul << 20);

	must(mmap(at, 64ul << 20, READ_WRITE, ANONYMOUS | MAP_FIXED, -1, 0) == at, "mmap");
	scatter(at, 40ul << 20, 3);
	at = reserve(64ul << 20, READ_WRITE, MAP_NORESERVE);
	scatter(at, 32ul << 20, 1);
	must(mmap(at, 16ul << 20, PROT_NONE, ANONYMOUS | MAP_FIXED, -1, 0) == at, "mmap");
	/* of that the recorder may have seen nothing, or all */
	becomes_heap(-(int64_t)(16ul << 20));
	peak = 0;
}

/* ... and before that while it runs. How long that takes is the recorder's business. */
static useconds_t wait_ms;

static void seen(void)
{
	char *const p = reserve(64ul << 20, READ_WRITE, MAP_NORESERVE);

	scatter(p, 32ul << 20, 2);
	usleep(wait_ms * 1000);
	must(munmap(p, 64ul << 20) == 0, "munmap");
	heap = reserved = 0;
}

static const struct {
	const char *name;
	void (*run)(void);
} scenes[] = {
	{ "mprotect", commit_by_mprotect }, { "mmap", commit_by_mmap }, { "munmap", give_back },
	{ "mremap", moved }, { "guard", guarded }, { "pool", pool }, { "threshold", threshold },
	{ "written", written }, { "seen", seen },
};

int main(int argc, char **argv)
{
	must(argc > 1, "usage: fx_reserved WHAT, or fuzz SEED CALLS, or seen MILLISECONDS");
	if (argc == 3)
		wait_ms = (useconds_t)atoi(argv[2]);
	if (!strcmp(argv[1], "fuzz") && argc == 4)
		fuzz(strtoull(argv[2], NULL, 10), atoi(argv[3]), true);
	if (!strcmp(argv[1], "small") && argc == 4)
		fuzz(strtoull(argv[2], NULL, 10), atoi(argv[3]), false);
	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++)
		if (!strcmp(argv[1], scenes[i].name))
			scenes[i].run();
	tell();
	return 0;
}
