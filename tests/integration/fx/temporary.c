/*
 * temporary ring|lifo N - what is and is not a temporary allocation.
 *
 * ring: a buffer of 8; 7 others are allocated before a block is freed, so none
 * is temporary at a threshold below 7. lifo N: N + 1 blocks freed in reverse:
 * at threshold k, k + 1 of them are.
 */
#include <stdlib.h>

#include "truth.h"

static void ring(void)
{
	void *slots[8] = { 0 };

	for (int i = 0; i < 1000; i++) {
		free(slots[i % 8]);
		slots[i % 8] = keep(malloc(1001));
	}
}

static void lifo(int n)
{
	void *blocks[64];

	for (int i = 0; i <= n; i++)
		blocks[i] = keep(malloc(1024));
	for (int i = n; i >= 0; i--)
		free(blocks[i]);
}

int main(int argc, char **argv)
{
	if (argc == 3)
		lifo(atoi(argv[2]));
	else
		ring();
	return 0;
}
