/*
 * busy - eight threads allocate in every way until there is a line on the input. The sizes say which call of its thread each is
 * (tests/integration/busy.py).
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define THREADS 8
#define BUSY_STEPS 4096 /* the n-th round of a thread allocates n % BUSY_STEPS bytes more than this: */
enum { BUSY_MALLOC = 10000,
       BUSY_CALLOC = 20000,
       BUSY_REALLOC = 30000,
       BUSY_ALIGNED = 40000 };

static atomic_bool busy_over;

static void *be_busy(void *data)
{
	for (size_t n = 0; !busy_over; n = (n + 1) % BUSY_STEPS) {
		char *a = malloc(BUSY_MALLOC + n), *b = calloc(1, BUSY_CALLOC + n);
		void *c = NULL;

		a = realloc(a, BUSY_REALLOC + n);
		if (!a || !b || posix_memalign(&c, 64, BUSY_ALIGNED + n) || b[BUSY_CALLOC / 2])
			abort();
		b[BUSY_CALLOC / 2] = 1;
		free(c);
		free(b);
		free(a);
		if (n % 2) /* otherwise the test is at work for minutes with what eight threads do meanwhile */
			nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
	}
	return data;
}

int main(void)
{
	pthread_t threads[THREADS];
	char line[16];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, be_busy, NULL);
	printf("ready %d\n", (int)getpid());
	fflush(stdout);
	(void)!read(0, line, sizeof(line));
	busy_over = true;
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	printf("good\n");
	return 5;
}
