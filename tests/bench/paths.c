/*
 * paths - blocks from call paths that are drawn at random: most frames of a stack
 * were called from elsewhere than those of the stack before, and stand where those
 * stood. churn.c is the other shape: there the lowest frames change, in turn.
 *
 * Each allocation takes one of so many paths; at each level that chooses one of
 * four calls of the same function. Its block takes the place of the oldest of
 * `slots` blocks. At the end half of the blocks, drawn at random, are released.
 *
 *   -t N  threads, each with its own share of the work    (1)
 *   -d N  depth of calls                                   (20)
 *   -p N  paths                                            (256)
 *   -s N  blocks of a thread that are alive at a time      (64)
 *   -n N  allocations over all threads                     (1000000)
 *
 * Prints the allocations and releases made.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct { int threads, depth; unsigned long paths, slots, allocations; } options = { 1, 20, 256, 64, 1000000 };

struct walker {
	pthread_t thread;
	uint64_t random;
	void **slots;
	unsigned long at, allocations, releases;
};

static uint64_t next_random(struct walker *w)
{
	w->random ^= w->random << 13;
	w->random ^= w->random >> 7;
	w->random ^= w->random << 17;
	return w->random;
}

/* Which of four calls this path makes at that level: by all bits of both, so that no two of a million paths are one. */
static unsigned turn(uint64_t path, int level)
{
	uint64_t h = path * 0x9e3779b97f4a7c15ull + (unsigned)level * 0xbf58476d1ce4e5b9ull;

	h ^= h >> 29;
	h *= 0x94d049bb133111ebull;
	return (unsigned)(h >> 62);
}

static __attribute__((noinline)) void leaf(struct walker *w)
{
	void **const slot = &w->slots[w->at];

	if (*slot) {
		free(*slot);
		w->releases++;
	}
	*slot = malloc(1 + next_random(w) % 256);
	if (!*slot)
		abort();
	*(volatile char *)*slot = 1;
	w->allocations++;
	w->at = w->at + 1 == options.slots ? 0 : w->at + 1;
}

/* What is behind each call differs, so that the compiler keeps all four, and none of them becomes a jump. */
#define CALL(n)                                                                                    \
	result = down(w, path, level - 1);                                                         \
	__asm__ volatile("" : "+r"(result) : : "memory");                                          \
	return result + (n)

#if __has_attribute(noclone)
#define ONE_OF_ITS_KIND __attribute__((noinline, noclone))
#else
#define ONE_OF_ITS_KIND __attribute__((noinline))
#endif

static ONE_OF_ITS_KIND int down(struct walker *w, uint32_t path, int level)
{
	int result;

	if (level == 0) {
		leaf(w);
		return 0;
	}
	switch (turn(path, level)) {
	case 0: CALL(1);
	case 1: CALL(2);
	case 2: CALL(3);
	default: CALL(4);
	}
}

static void *walk(void *data)
{
	struct walker *const w = data;
	const unsigned long share = options.allocations / (unsigned long)options.threads;
	volatile int sum = 0;

	while (w->allocations < share)
		sum += down(w, (uint32_t)(next_random(w) % options.paths), options.depth);
	(void)sum;
	for (unsigned long i = 0; i < options.slots; i++) {
		if (!w->slots[i] || next_random(w) & 1)
			continue;
		free(w->slots[i]);
		w->releases++;
	}
	return NULL;
}

static int run(void)
{
	struct walker *const walkers = calloc((size_t)options.threads, sizeof(*walkers));
	unsigned long allocations = 0, releases = 0;

	for (int i = 0; walkers && i < options.threads; i++) {
		walkers[i].random = 0x9e3779b97f4a7c15ull * (unsigned)(i + 1);
		walkers[i].slots = calloc(options.slots, sizeof(void *));
		if (!walkers[i].slots || pthread_create(&walkers[i].thread, NULL, walk, &walkers[i]) != 0)
			return 1;
	}
	for (int i = 0; walkers && i < options.threads; i++) {
		pthread_join(walkers[i].thread, NULL);
		allocations += walkers[i].allocations;
		releases += walkers[i].releases;
	}
	printf("%lu %lu\n", allocations, releases);
	return !walkers;
}

int main(int argc, char **argv)
{
	for (int c; (c = getopt(argc, argv, "t:d:p:s:n:")) != -1;) {
		switch (c) {
		case 't': options.threads = atoi(optarg); break;
		case 'd': options.depth = atoi(optarg); break;
		case 'p': options.paths = strtoul(optarg, NULL, 10); break;
		case 's': options.slots = strtoul(optarg, NULL, 10); break;
		case 'n': options.allocations = strtoul(optarg, NULL, 10); break;
		default: return 2;
		}
	}
	if (options.threads < 1 || options.depth < 0 || !options.paths || !options.slots)
		return 2;
	return run();
}
