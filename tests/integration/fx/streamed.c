/*
 * streamed - a program that does something whenever it is told to, for tests that do something else meanwhile.
 *
 * For each byte of standard input it makes a burst of blocks of sizes that nobody can foresee, and writes the byte back.
 * Of each burst it keeps one block, of 7777 bytes. At the end of standard input it tells what it did, and ends.
 */
#include <stdint.h>

#include "truth.h"

#define BURST 4000u
#define KEPT 7777u

static uint64_t state = 88172645463325252ull;

static size_t next_size(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return 1 + state % 3000;
}

static void burst(void)
{
	void *blocks[16] = { NULL };

	for (unsigned i = 0; i < BURST; i++) {
		free(blocks[i % 16]);
		blocks[i % 16] = malloc(next_size());
	}
	for (unsigned i = 0; i < 16; i++)
		free(blocks[i]);
	*(char *volatile *)malloc(KEPT) = NULL;
}

int main(void)
{
	unsigned bursts = 0;
	char byte;

	while (read(0, &byte, 1) == 1) {
		burst();
		bursts++;
		if (write(1, &byte, 1) != 1)
			return 1;
	}
	truth("malloc", KEPT, bursts);
	truth_line("L", NULL, KEPT, bursts);
	return 0;
}
