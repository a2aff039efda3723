/*
 * book - eight threads allocate and release, and keep book of what is live; in the middle, a ninth takes a snapshot of the program, which
 * must hold exactly what stands in the book. At the end nothing is left.
 *
 * usage: book N: so many allocations of each thread
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tracker-replay.h>

#define THREADS 8
#define KEPT 512 /* blocks of each thread */
#define LEAST 2001 /* nothing else in this program has a size from here on ... */
#define MOST 2999 /* ... up to here */

static struct worker {
	pthread_mutex_t lock; /* the thread holds it while it changes its blocks and its book; the ninth, when it takes the snapshot */
	pthread_t thread;
	unsigned long made;
	void *blocks[KEPT];
	size_t sizes[KEPT];
} workers[THREADS];

static unsigned long each;
static bool taken; /* the snapshot; no thread ends before it */

__attribute__((noinline)) static void *deep(unsigned frames, size_t size)
{
	void *volatile p = frames ? deep(frames - 1, size) : malloc(size);

	return p;
}

static void change(struct worker *w, unsigned random)
{
	const unsigned at = random % KEPT;

	pthread_mutex_lock(&w->lock);
	free(w->blocks[at]);
	w->sizes[at] = LEAST + random / KEPT % (MOST - LEAST + 1);
	w->blocks[at] = deep(random % 30, w->sizes[at]);
	__atomic_store_n(&w->made, w->made + 1, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&w->lock);
}

static void *work(void *data)
{
	struct worker *const w = data;
	unsigned random = (unsigned)(w - workers) + 1;

	for (unsigned long i = 0; i < each; i++) {
		change(w, (random = random * 1103515245 + 12345) / 256);
		while (i == each / 4 * 3 && !__atomic_load_n(&taken, __ATOMIC_ACQUIRE))
			usleep(1000);
	}
	for (unsigned i = 0; i < KEPT; i++)
		free(w->blocks[i]);
	return NULL;
}

static bool is_halfway(void)
{
	unsigned long made = 0;

	for (unsigned t = 0; t < THREADS; t++)
		made += __atomic_load_n(&workers[t].made, __ATOMIC_RELAXED);
	return made >= each * THREADS / 2;
}

struct block {
	uintptr_t address;
	size_t size;
};

static int by_address(const void *a, const void *b)
{
	const struct block *const x = a, *const y = b;

	return (x->address > y->address) - (x->address < y->address);
}

static struct block booked[THREADS * KEPT], found[THREADS * KEPT];

static size_t copy_book(void)
{
	size_t n = 0;

	for (unsigned t = 0; t < THREADS; t++)
		for (unsigned i = 0; i < KEPT; i++)
			if (workers[t].blocks[i])
				booked[n++] = (struct block){ (uintptr_t)workers[t].blocks[i], workers[t].sizes[i] };
	return n;
}

static void *take(void *unused)
{
	tracker_snapshot *s;
	tracker_trace trace;
	size_t in_book, n = 0;

	while (!is_halfway())
		usleep(1000);
	for (unsigned t = 0; t < THREADS; t++)
		pthread_mutex_lock(&workers[t].lock);
	s = tracker_take_snapshot();
	__atomic_store_n(&taken, true, __ATOMIC_RELEASE);
	in_book = copy_book();
	for (unsigned t = 0; t < THREADS; t++)
		pthread_mutex_unlock(&workers[t].lock);
	for (size_t i = 0; i < tracker_snapshot_len(s); i++)
		if (tracker_snapshot_trace(s, i, &trace) == TRACKER_OK && trace.size >= LEAST && trace.size <= MOST && n < THREADS * KEPT)
			found[n++] = (struct block){ trace.address, trace.size };
	tracker_snapshot_free(s);
	qsort(booked, in_book, sizeof(*booked), by_address);
	qsort(found, n, sizeof(*found), by_address);
	printf("snapshot: %d, blocks %d, as in the book %d\n", s != NULL, n > THREADS * KEPT / 2,
	       n == in_book && memcmp(found, booked, n * sizeof(*found)) == 0);
	return unused;
}

static void run(void *(*ninth)(void *))
{
	pthread_t thread;

	taken = !ninth;
	for (unsigned t = 0; t < THREADS; t++) {
		memset(&workers[t], 0, sizeof(workers[t]));
		pthread_mutex_init(&workers[t].lock, NULL);
		pthread_create(&workers[t].thread, NULL, work, &workers[t]);
	}
	if (ninth)
		pthread_create(&thread, NULL, ninth, NULL);
	for (unsigned t = 0; t < THREADS; t++)
		pthread_join(workers[t].thread, NULL);
	if (ninth)
		pthread_join(thread, NULL);
}

static char output[1 << 14]; /* stdout's: it allocates nothing */

int main(int argc, char **argv)
{
	size_t before, after;

	setvbuf(stdout, output, _IOFBF, sizeof(output));
	if (argc < 2 || tracker_start(25) != TRACKER_OK)
		return 2;
	tracker_snapshot_free(tracker_take_snapshot()); /* what the library and the C library keep is there before and after */
	each = 1000;
	run(NULL);
	tracker_get_traced_memory(&before, NULL);
	each = strtoul(argv[1], NULL, 10);
	run(take);
	tracker_get_traced_memory(&after, NULL);
	printf("left %zd, lost %llu\n", (ssize_t)(after - before), (unsigned long long)tracker_get_lost_traces());
	return 0;
}
