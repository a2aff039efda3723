/*
 * churn - many small blocks from many call paths: a worst case for a recorder.
 *
 * A random walk over a call tree: at every leaf a block of 8..519 bytes takes
 * the place of another in a table of 1024. Paths of `depth` calls are spelled
 * by a number, two bits a level, through four functions that call one another:
 * neighbouring paths share their upper frames.
 *
 *   -t N  threads, each with its own share of the work      (1)
 *   -d N  depth of calls                                     (20)
 *   -p N  change N lower frames between two leaves; 0: none  (3)
 *   -n N  pairs of malloc and free over all threads          (1000000)
 *
 * Prints the pairs done and the CPU time of the work itself, in ns.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 1024, PAIRS_PER_LEAF = 3 };

static struct { int threads, depth, change; long pairs; } options = { 1, 20, 3, 1000000 };

struct walker {
	pthread_t thread;
	uint64_t random, path[4]; /* two bits a level, 128 levels */
	long left;
	void *slots[SLOTS];
};

static uint64_t next_random(struct walker *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random;
}

static void leaf(struct walker *w)
{
	for (int i = 0; i < PAIRS_PER_LEAF && w->left > 0; i++, w->left--) {
		const uint64_t r = next_random(w);
		void **const slot = &w->slots[r % SLOTS];

		free(*slot);
		*slot = malloc(8 + (r >> 32) % 512);
	}
}

/* The new path: the lowest `change` levels take other turns. */
static void turn(struct walker *w)
{
	for (int i = 0; i < options.change && i < options.depth; i++) {
		const int level = options.depth - 1 - i;
		const uint64_t bits = next_random(w) & 3;

		w->path[level / 32] &= ~(3ull << level % 32 * 2);
		w->path[level / 32] |= bits << level % 32 * 2;
	}
}

/*
 * Walks down; back up only as far as the path changes, as a program does that
 * goes through a tree. Returns the level at which the next leaf leaves this path.
 */
static int down_0(struct walker *w, int level);
static int down_1(struct walker *w, int level);
static int down_2(struct walker *w, int level);
static int down_3(struct walker *w, int level);

static int (*const ways[4])(struct walker *, int) = { down_0, down_1, down_2, down_3 };

static inline int descend(struct walker *w, int level)
{
	for (;;) {
		if (level == options.depth) {
			leaf(w);
			turn(w);
			return options.depth - options.change;
		}
		const int back = ways[w->path[level / 32] >> level % 32 * 2 & 3](w, level + 1);

		if (w->left <= 0 || back < level)
			return back;
	}
}

#define WAY(n)                                                                                     \
	static __attribute__((noinline)) int down_##n(struct walker *w, int level)                 \
	{                                                                                          \
		volatile char frame[16 + 16 * n]; /* frames of different sizes */                  \
		frame[0] = n;                                                                      \
		return descend(w, level) + (frame[0] - n);                                         \
	}
WAY(0)
WAY(1)
WAY(2)
WAY(3)

static void *walk(void *data)
{
	struct walker *const w = data;

	while (w->left > 0)
		descend(w, 0);
	for (int i = 0; i < SLOTS; i++)
		free(w->slots[i]);
	return NULL;
}

static void usage(void)
{
	fputs("usage: churn [-t threads] [-d depth] [-p frames] [-n pairs]\n", stderr);
	exit(2);
}

int main(int argc, char **argv)
{
	struct walker *walkers;
	struct timespec t;

	for (int c; (c = getopt(argc, argv, "t:d:p:n:")) != -1;) {
		switch (c) {
		case 't': options.threads = atoi(optarg); break;
		case 'd': options.depth = atoi(optarg); break;
		case 'p': options.change = atoi(optarg); break;
		case 'n': options.pairs = atol(optarg); break;
		default: usage();
		}
	}
	if (options.threads < 1 || options.depth < 1 || options.depth > 128 || options.change > options.depth)
		usage();
	walkers = calloc((size_t)options.threads, sizeof(*walkers));
	for (int i = 0; i < options.threads; i++) {
		walkers[i].random = 0x9e3779b97f4a7c15ull * (unsigned)(i + 1);
		walkers[i].left = options.pairs / options.threads;
		pthread_create(&walkers[i].thread, NULL, walk, &walkers[i]);
	}
	for (int i = 0; i < options.threads; i++)
		pthread_join(walkers[i].thread, NULL);
	free(walkers);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	printf("%ld %lld\n", options.pairs, (long long)t.tv_sec * 1000000000 + t.tv_nsec);
	return 0;
}
