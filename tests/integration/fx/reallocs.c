/*
 * reallocs grow|zero|fail|race - realloc is one event: the old block ends and
 * the new one begins, or nothing happens at all.
 */
#include <errno.h>
#include <pthread.h>
#include <stdint.h>

#include "truth.h"

enum { RACE_THREADS = 4, RACE_STEPS = 20000 };

/* 1001 -> 5001 -> 901: the middle one is ended by a realloc, too. */
static void grow(void)
{
	for (int i = 0; i < 100; i++) {
		char *p = keep(malloc(1001));

		p[1000] = 42;
		p = keep(realloc(p, 5001));
		must(p[1000] == 42, "contents after growing");
		p = keep(realloc(p, 901));
		free(p);
	}
	truth("malloc", 1001, 100);
	truth("realloc-old", 1001, 100);
	truth("realloc", 5001, 100);
	truth("realloc-old", 5001, 100);
	truth("realloc", 901, 100);
	truth("free", 901, 100);
}

/* With glibc realloc(p, 0) frees and returns NULL. */
static void zero(void)
{
	volatile size_t nothing = 0;

	for (int i = 0; i < 500; i++)
		must(realloc(keep(malloc(1001)), nothing) == NULL, "realloc to 0");
	truth("malloc", 1001, 500);
	truth("free", 1001, 500);
}

static void fail(void)
{
	volatile size_t huge = SIZE_MAX / 4;
	void *volatile same; /* gcc would call p dead after realloc */

	for (int i = 0; i < 500; i++) {
		char *const p = keep(malloc(1001));

		same = p;
		p[0] = 17;
		errno = 0;
		must(realloc(same, huge) == NULL && errno == ENOMEM, "realloc of too much");
		must(reallocarray(same, huge, 8) == NULL, "reallocarray's overflow");
		must(*(char *)same == 17, "the old block after a failure");
		free(same);
	}
	truth_churn(1001, 500);
}

static void *race_thread(void *seed)
{
	unsigned x = (unsigned)(uintptr_t)seed;
	void *p = NULL;

	for (int i = 0; i < RACE_STEPS; i++) {
		x = x * 1103515245u + 12345u;
		p = realloc(p, 16 + (x >> 16) % 3000);
		must(p != NULL, "realloc");
	}
	free(p);
	return NULL;
}

/* Run with MALLOC_ARENA_MAX=1: threads hand addresses to one another all the time. */
static void race(void)
{
	pthread_t threads[RACE_THREADS];

	for (uintptr_t i = 0; i < RACE_THREADS; i++)
		must(!pthread_create(&threads[i], NULL, race_thread, (void *)(i + 1)), "pthread_create");
	for (int i = 0; i < RACE_THREADS; i++)
		pthread_join(threads[i], NULL);
	truth_line("R", "realloc", 0, RACE_THREADS * RACE_STEPS);
}

int main(int argc, char **argv)
{
	static const struct { const char *name; void (*run)(void); } modes[] = {
		{ "grow", grow }, { "zero", zero }, { "fail", fail }, { "race", race },
	};

	for (size_t i = 0; argc > 1 && i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (!strcmp(argv[1], modes[i].name)) {
			modes[i].run();
			return 0;
		}
	}
	return 2;
}
