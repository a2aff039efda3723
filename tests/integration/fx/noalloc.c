/* noalloc - blocks with TRACKER_ASSERT_, those that keep to it and those that do not. */
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../../libtracker/tracker.h"

static void *volatile block;

static void __attribute__((noinline)) guilty(size_t size)
{
	block = malloc(size); /* guilty */
}

static void good(void)
{
	guilty(10);
	TRACKER_ASSERT_NO_ALLOC
	{
		free(block);
	}
	TRACKER_ASSERT_MAX_ALLOCS(2, 30)
	{
		free(malloc(10));
		free(malloc(20));
	}
	guilty(10);
}

static void bad(void)
{
	TRACKER_ASSERT_NO_ALLOC /* asserted */
	{
		guilty(10);
	}
}

static void too_many(void)
{
	TRACKER_ASSERT_MAX_ALLOCS(2, 1000) /* too_many */
	{
		for (int i = 0; i < 3; i++)
			guilty(10);
	}
}

static void too_large(void)
{
	TRACKER_ASSERT_MAX_ALLOCS(5, 30) /* too_large */
	{
		for (int i = 0; i < 3; i++)
			guilty(11);
	}
}

static void *release(void *data)
{
	free(data);
	return NULL;
}

/* All that is made is released: by another thread, by a realloc to nothing, and what grew is one block as before. */
static void no_leak(void)
{
	void *old = malloc(10), *p, *q;
	pthread_t t;

	pthread_create(&t, NULL, release, NULL); /* the C library keeps its stack, and what belongs to it */
	pthread_join(t, NULL);
	TRACKER_ASSERT_NO_LEAK
	{
		old = realloc(old, 5000);
		p = malloc(10);
		q = malloc(10);
		p = realloc(p, 100000);
		block = realloc(q, 0);
		free(p);
		TRACKER_ASSERT_NO_LEAK
		free(malloc(5));
	}
	TRACKER_ASSERT_NO_LEAK
	{
		p = malloc(10);
		pthread_create(&t, NULL, release, p);
		pthread_join(t, NULL);
	}
	free(old);
}

static void leak(void)
{
	TRACKER_ASSERT_NO_LEAK /* leak */
	{
		free(malloc(10));
		guilty(24);
	}
}

static void leak_outside(void)
{
	TRACKER_ASSERT_NO_LEAK /* outside */
	{
		TRACKER_ASSERT_MAX_ALLOCS(9, 999)
		guilty(24);
		TRACKER_ASSERT_NO_LEAK
		free(malloc(1));
	}
}

static jmp_buf back;

static void __attribute__((noinline)) jump_out(void)
{
	TRACKER_ASSERT_NO_LEAK
	{
		TRACKER_ASSERT_MAX_ALLOCS(1, 10)
		{
			guilty(10);
			longjmp(back, 1);
		}
	}
}

static void jumped(void)
{
	for (volatile int i = 0; i < 40; i++)
		if (setjmp(back) == 0)
			jump_out();
	TRACKER_ASSERT_NO_LEAK
	free(malloc(10));
	guilty(1000);
}

static const struct {
	const char *name;
	void (*run)(void);
} cases[] = {
	{ "good", good },
	{ "bad", bad },
	{ "too_many", too_many },
	{ "too_large", too_large },
	{ "no_leak", no_leak },
	{ "leak", leak },
	{ "leak_outside", leak_outside },
	{ "jumped", jumped },
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 2 && i < sizeof(cases) / sizeof(*cases); i++) {
		if (strcmp(argv[1], cases[i].name) != 0)
			continue;
		cases[i].run();
		puts(tracker_version()[0] ? "done" : "skipped");
		return 0;
	}
	return 2;
}
