/*
 * own_malloc early|late|threads - allocates by malloc, from .preinit_array on, from main, or from
 * threads. Says what it allocated; linked with arena.c also how often that was called.
 */
#include <pthread.h>

#include "truth.h"

enum { THREADS = 8, BLOCKS = 500 };

extern unsigned long arena_calls(void) __attribute__((weak));

static void preinit(int argc, char **argv, char **env)
{
	(void)env;
	if (argc > 1 && !strcmp(argv[1], "early"))
		churn(1001, BLOCKS);
}

__attribute__((section(".preinit_array"), used)) static void (*const entry)(int, char **, char **) = preinit;

/* All of them live at once, on stacks that are kept: how many are made and freed must not depend on their pace. */
static pthread_barrier_t all_there;

static void *thread(void *unused)
{
	pthread_barrier_wait(&all_there);
	churn(1002, BLOCKS);
	return unused;
}

static void in_threads(void)
{
	pthread_t threads[THREADS];
	pthread_attr_t small;

	must(!pthread_attr_init(&small) && !pthread_attr_setstacksize(&small, 1 << 17), "pthread_attr_setstacksize");
	must(!pthread_barrier_init(&all_there, NULL, THREADS), "pthread_barrier_init");
	for (int i = 0; i < THREADS; i++)
		must(!pthread_create(&threads[i], &small, thread, NULL), "pthread_create");
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

int main(int argc, char **argv)
{
	must(argc == 2, "usage");
	if (!strcmp(argv[1], "threads"))
		in_threads();
	churn(1003, BLOCKS);
	truth_churn(1001, !strcmp(argv[1], "early") ? BLOCKS : 0);
	truth_churn(1002, !strcmp(argv[1], "threads") ? THREADS * BLOCKS : 0);
	truth_churn(1003, BLOCKS);
	if (arena_calls)
		truth_line("calls", NULL, 0, arena_calls());
	return 0;
}
