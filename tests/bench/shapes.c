/*
 * shapes - ways in which programs use memory that the other benchmarks do not have.
 *
 *   shapes handover N	one thread makes N blocks, a thousand at a time, another releases them
 *   shapes bursts N	a hundred thousand blocks are made, then all of them released, until there were N
 *   shapes reallocs N	chains of reallocs from 16 bytes to 64 KiB, by half as much more each time
 *   shapes large N	blocks of 1 MiB, each with a mapping of its own, of which 16 live
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned long count;

static void *block(size_t bytes)
{
	void *const p = malloc(bytes);

	if (!p)
		abort();
	*(volatile char *)p = 1;
	return p;
}

/* ---- handover ---- */

#define BATCH 1000u

static void *batches[2][BATCH];
static sem_t made[2], released[2];

static void *release(void *nothing)
{
	for (unsigned long i = 0; i < count / BATCH; i++) {
		sem_wait(&made[i & 1]);
		for (unsigned k = 0; k < BATCH; k++)
			free(batches[i & 1][k]);
		sem_post(&released[i & 1]);
	}
	return nothing;
}

static void handover(void)
{
	pthread_t other;

	for (unsigned i = 0; i < 2; i++)
		if (sem_init(&made[i], 0, 0) != 0 || sem_init(&released[i], 0, 1) != 0)
			abort();
	if (pthread_create(&other, NULL, release, NULL) != 0)
		abort();
	for (unsigned long i = 0; i < count / BATCH; i++) {
		sem_wait(&released[i & 1]);
		for (unsigned k = 0; k < BATCH; k++)
			batches[i & 1][k] = block(16 + k % 241);
		sem_post(&made[i & 1]);
	}
	pthread_join(other, NULL);
}

/* ---- bursts ---- */

#define BURST 100000u

static void bursts(void)
{
	static void *blocks[BURST];

	for (unsigned long i = 0; i < count; i += BURST) {
		for (unsigned k = 0; k < BURST; k++)
			blocks[k] = block(16 + k % 241);
		for (unsigned k = 0; k < BURST; k++)
			free(blocks[k]);
	}
}

/* ---- reallocs ---- */

static void reallocs(void)
{
	void *p = NULL;
	size_t bytes = 16;

	for (unsigned long i = 0; i < count; i++, bytes += bytes / 2) {
		if (bytes > 65536) {
			free(p);
			p = NULL;
			bytes = 16;
		}
		p = realloc(p, bytes);
		if (!p)
			abort();
		*(volatile char *)p = 1;
	}
	free(p);
}

/* ---- large ---- */

static void large(void)
{
	static void *blocks[16];

	for (unsigned long i = 0; i < count; i++) {
		free(blocks[i % 16]);
		blocks[i % 16] = block((1 << 20) + 4096 * (i % 7));
	}
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} shapes[] = { { "handover", handover }, { "bursts", bursts }, { "reallocs", reallocs }, { "large", large } };

	count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	for (unsigned i = 0; count && i < sizeof(shapes) / sizeof(*shapes); i++)
		if (strcmp(argv[1], shapes[i].name) == 0) {
			shapes[i].run();
			return 0;
		}
	fputs("usage: shapes handover|bursts|reallocs|large N\n", stderr);
	return 2;
}
