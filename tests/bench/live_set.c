/*
 * live_set - many blocks alive: what a recorder or a replay keeps of each is
 * what this program shows.
 *
 *   -l N  blocks alive at a time (1000000)
 *   -n N  blocks that then take the place of others, at random (1000000)
 *   -w    then wait for a line, while all are alive
 *
 * Blocks of 16..271 bytes from 32 call paths, three calls deep.
 * Prints the most that were alive, and their bytes at the end of the exchange.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static uint64_t state = 0x9e3779b97f4a7c15ull;

static uint64_t next_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

typedef void *maker(uint64_t way, size_t size);

#define MAKER(name, body)                                                                          \
	static __attribute__((noinline)) void *name(uint64_t way, size_t size)                     \
	{                                                                                          \
		void *volatile p; /* no tail call */                                               \
		(void)way;                                                                         \
		p = body;                                                                          \
		return p;                                                                          \
	}
#define LEVEL(n, lower)                                                                            \
	MAKER(make_##n##a, lower[way & 7](way >> 3, size))                                         \
	MAKER(make_##n##b, lower[way & 7](way >> 3, size))                                         \
	static maker *const level_##n[] = { make_##n##a, make_##n##b, make_##n##a, make_##n##b,    \
					    make_##n##b, make_##n##a, make_##n##b, make_##n##a };

MAKER(leaf_0, malloc(size)) MAKER(leaf_1, malloc(size)) MAKER(leaf_2, malloc(size))
MAKER(leaf_3, malloc(size)) MAKER(leaf_4, malloc(size)) MAKER(leaf_5, malloc(size))
MAKER(leaf_6, malloc(size)) MAKER(leaf_7, malloc(size))
static maker *const leaves[] = { leaf_0, leaf_1, leaf_2, leaf_3, leaf_4, leaf_5, leaf_6, leaf_7 };
LEVEL(1, leaves)
LEVEL(2, level_1)

struct block {
	unsigned char *bytes;
	size_t size;
};

static struct block make(void)
{
	const uint64_t r = next_random();
	struct block b = { .size = 16 + (r >> 32) % 256 };

	b.bytes = level_2[r & 7](r >> 3, b.size);
	if (!b.bytes)
		abort();
	b.bytes[0] = (unsigned char)r;
	return b;
}

int main(int argc, char **argv)
{
	size_t live = 1000000, exchanged = 1000000, bytes = 0;
	struct block *blocks;

	bool waits = false;

	for (int c; (c = getopt(argc, argv, "l:n:w")) != -1;) {
		if (c == 'l')
			live = strtoul(optarg, NULL, 10);
		else if (c == 'n')
			exchanged = strtoul(optarg, NULL, 10);
		else if (c == 'w')
			waits = true;
		else
			return 2;
	}
	blocks = calloc(live, sizeof(*blocks));
	if (!live || !blocks)
		return 2;
	for (size_t i = 0; i < live; i++)
		blocks[i] = make();
	for (size_t i = 0; i < exchanged; i++) {
		struct block *const b = &blocks[next_random() % live];

		free(b->bytes);
		*b = make();
	}
	for (size_t i = 0; i < live; i++)
		bytes += blocks[i].size;
	printf("%zu %zu\n", live, bytes);
	fflush(stdout);
	if (waits)
		(void)getchar();
	for (size_t i = 0; i < live; i++)
		free(blocks[i].bytes);
	free(blocks);
	return 0;
}
