/*
 * resizes race|fail - calls that give a block back and get one: realloc, reallocarray, mremap.
 *
 * race: eight threads make all of them at once, on blocks and pages of their own, among calls that
 * are given what the others released. Says how often each was made.
 * fail: each fails a number of times, asked by a function of its own, with a size of its own.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "truth.h"

#define THREADS 8
#define STEPS 12000
#define BLOCKS 48
#define PAGE 4096u

enum call { REALLOC, REALLOCARRAY, MREMAP, CALLS };
static const char *const names[CALLS] = { "realloc", "reallocarray", "mremap" };
static long made[THREADS][CALLS];

static void resize_pages(char **pages, size_t *count, size_t wanted, long *made_here)
{
	if (!*pages) {
		*pages = mmap(NULL, wanted * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		must(*pages != MAP_FAILED, "mmap");
	} else {
		*pages = mremap(*pages, *count * PAGE, wanted * PAGE, MREMAP_MAYMOVE);
		must(*pages != MAP_FAILED, "mremap");
		++*made_here;
	}
	*count = wanted;
}

static void *race(void *number)
{
	long *const mine = number;
	unsigned x = 7 + 77 * (unsigned)(mine - made[0]);
	void *blocks[BLOCKS] = { 0 };
	char *pages = NULL;
	size_t page_count = 0;

	for (int i = 0; i < STEPS; i++) {
		x = x * 1103515245 + 12345;
		void **const p = &blocks[(x >> 16) % BLOCKS];
		const size_t size = 1 + (x >> 8) % 1500;

		switch (x >> 29) {
		case 0: case 1: *p = realloc(*p, size); mine[REALLOC]++; break;
		case 2: case 3: *p = reallocarray(*p, size, 3); mine[REALLOCARRAY]++; break;
		case 4: resize_pages(&pages, &page_count, 1 + size % 9, &mine[MREMAP]); break;
		default: free(*p); *p = malloc(size);
		}
		must(*p || x >> 29 == 4, "memory");
	}
	for (int i = 0; i < BLOCKS; i++)
		free(blocks[i]);
	if (pages)
		munmap(pages, page_count * PAGE);
	return NULL;
}

static void race_all(void)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		must(pthread_create(&threads[i], NULL, race, made[i]) == 0, "pthread_create");
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int call = 0; call < CALLS; call++) {
		long sum = 0;

		for (int i = 0; i < THREADS; i++)
			sum += made[i][call];
		truth_line("R", names[call], 0, sum);
	}
}

/* No compiler may know that these fail. */
static void *volatile block;
static volatile size_t huge = SIZE_MAX / 4;

static void ask_realloc(void)
{
	must(realloc(block, huge) == NULL && errno == ENOMEM, "realloc of too much");
}

static void ask_reallocarray(void)
{
	must(reallocarray(block, huge, 2) == NULL && errno == ENOMEM, "reallocarray of too much");
}

static void ask_overflow(void)
{
	must(reallocarray(block, huge, 8) == NULL && errno == ENOMEM, "reallocarray's overflow");
}

static void ask_mremap(void *pages)
{
	must(mremap(pages, 2 * PAGE, (huge & -(size_t)PAGE), MREMAP_MAYMOVE) == MAP_FAILED, "mremap of too much");
}

static void ask_nothing(void)
{
	void *volatile nothing = NULL;

	must(realloc(nothing, huge) == NULL && errno == ENOMEM, "realloc of nothing");
}

/* F FUNCTION KIND SIZE COUNT */
static void fail(void)
{
	void *const pages = mmap(NULL, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	block = malloc(10);
	for (int i = 0; i < 5; i++)
		ask_realloc();
	for (int i = 0; i < 4; i++)
		ask_reallocarray();
	for (int i = 0; i < 3; i++)
		ask_overflow();
	for (int i = 0; i < 2; i++)
		ask_mremap(pages);
	ask_nothing();
	dprintf(1, "F ask_realloc realloc %zu 5\n", huge);
	dprintf(1, "F ask_reallocarray reallocarray %zu 4\n", huge * 2);
	dprintf(1, "F ask_overflow reallocarray %zu 3\n", SIZE_MAX);
	dprintf(1, "F ask_mremap mremap %zu 2\n", huge & -(size_t)PAGE);
	dprintf(1, "F ask_nothing realloc %zu 1\n", huge);
}

int main(int argc, char **argv)
{
	must(argc > 1, "a mode");
	if (strcmp(argv[1], "race") == 0)
		race_all();
	else
		fail();
	return 0;
}
