/*
 * resident - memory of known kinds; says how much of it is in memory, as the kernel counts it page by page, without allocating.
 *
 * resident KIND: holes (of ten blocks one stays), threads (the same in four, and their stacks), untouched (blocks that nobody writes
 * to), mapped (by the program itself), forked (a child with its parent's heap), trim (what malloc_trim gives back), equal (blocks that are
 * copies of others).
 */
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "libtracker/tracker.h"

#define THREADS 4
#define BLOCKS 8000
#define BYTES 400

static void *kept[THREADS][BLOCKS];
static void *freed[THREADS][BLOCKS * 9];

static unsigned long resident(void)
{
	char text[4096];
	const int fd = open("/proc/self/smaps_rollup", O_RDONLY);
	const ssize_t n = read(fd, text, sizeof(text) - 1);

	close(fd);
	text[n > 0 ? n : 0] = 0;
	return strtoul(strstr(text, "\nRss:") + 5, NULL, 10) * 1024;
}

static void say(const char *what, unsigned long bytes)
{
	dprintf(1, "%s %lu\n", what, bytes);
}

/* Their pages stay because of these. */
__attribute__((noinline)) static void *keep(void)
{
	return memset(malloc(BYTES), 1, BYTES);
}

__attribute__((noinline)) static void *drop(void)
{
	return memset(malloc(BYTES), 2, BYTES);
}

static void make_holes(unsigned of)
{
	for (unsigned i = 0; i < BLOCKS; i++) {
		kept[of][i] = keep();
		for (unsigned j = 0; j < 9; j++)
			freed[of][i * 9 + j] = drop();
	}
	for (unsigned i = 0; i < BLOCKS * 9; i++)
		free(freed[of][i]);
}

static void holes(void)
{
	make_holes(0);
}

static pthread_barrier_t done;

static void *work(void *of)
{
	volatile char stack[256 << 10];

	for (size_t i = 0; i < sizeof(stack); i += 1024)
		stack[i] = 3;
	make_holes((unsigned)(size_t)of);
	pthread_barrier_wait(&done);
	pause();
	return NULL;
}

static void threads(void)
{
	pthread_t t;

	pthread_barrier_init(&done, NULL, THREADS + 1);
	for (size_t i = 0; i < THREADS; i++)
		pthread_create(&t, NULL, work, (void *)i);
	pthread_barrier_wait(&done);
}

static void untouched(void)
{
	char *const large = malloc(60 << 20), *const read = malloc(4 << 20);

	for (unsigned i = 0; i < 100; i++)
		memset(kept[0][i] = malloc(10000), 1, 10000);
	memset(large, 1, 5 << 20);
	for (unsigned i = 0; i < 4 << 20; i += 4096)
		(void)((volatile const char *)read)[i];
	kept[1][0] = large;
	kept[1][1] = read;
}

static void mapped(void)
{
	char *const p = mmap(NULL, 20 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *const shared = mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	memset(p, 1, 7 << 20);
	memset(shared, 1, 6 << 20);
}

static void forked(void)
{
	make_holes(0);
	if (fork() == 0) {
		make_holes(1);
		say("resident", resident());
		exit(0);
	}
	wait(NULL);
}

/* Free memory in the middle, at the end, in caches and between blocks that stay. */
static void trim(void)
{
	unsigned long before = resident();

	make_holes(0);
	for (unsigned i = 0; i < 200; i++)
		memset(freed[1][i] = malloc(50000), 1, 50000);
	memset(kept[1][0] = malloc(50000), 1, 50000);
	for (unsigned i = 0; i < 200; i++)
		memset(freed[2][i] = malloc(30000), 1, 30000);
	for (unsigned i = 0; i < 200; i++) {
		free(freed[1][i]);
		free(freed[2][i]);
	}
	tracker_mark("before");
	before = resident();
	malloc_trim(0);
	before -= resident();
	say("trimmed", before);
}

static void equal(void)
{
	for (unsigned i = 0; i < 1000; i++) {
		memset(kept[0][i] = malloc(3000), 0, 3000);
		*(unsigned *)kept[0][i] = i % 10; /* ten texts, of which one is zeros: a hundred of each */
		memset(kept[1][i] = malloc(700), 1, 700);
		memcpy(kept[1][i], &i, sizeof(i)); /* all differ */
	}
	kept[2][0] = calloc(1, 40 << 20); /* zeros that nobody has touched */
	memset(kept[2][1] = malloc(500000), 4, 500000);
	memset(kept[2][2] = malloc(500000), 4, 500000);
	kept[2][3] = memset(malloc(500000), 4, 500000);
	((char *)kept[2][3])[499999] = 5;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*make)(void);
	} kinds[] = {
		{ "holes", holes },
		{ "threads", threads },
		{ "untouched", untouched },
		{ "mapped", mapped },
		{ "forked", forked },
		{ "trim", trim },
		{ "equal", equal },
	};

	say("begins", resident()); /* the code that it takes to say so is in memory, too */
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (argc == 2 && !strcmp(argv[1], kinds[i].name)) {
			kinds[i].make();
			say("resident", resident());
			return 0;
		}
	return 2;
}
