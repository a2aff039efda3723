/*
 * budget - an audio callback that must not allocate: it does if there is an argument, two times by itself and once further down, 307
 * bytes in all. Another function never allocates, and stands in the file only as a part of others.
 */
#include <stdlib.h>
#include <string.h>

static void *volatile kept;

static inline __attribute__((always_inline)) int only_inlined(int n)
{
	return 3 * n + 1;
}

__attribute__((noinline)) static void helper(void)
{
	kept = malloc(200);
	free(kept);
}

__attribute__((noinline)) void process_block(int allocates)
{
	if (!allocates)
		return;
	kept = malloc(100);
	free(kept);
	helper();
	kept = strdup("sample"); /* 7 bytes */
	free(kept);
}

int main(int argc, char **argv)
{
	(void)argv;
	kept = malloc(5000 + (size_t)only_inlined(argc) % 3);
	for (int i = 0; i < 3; i++)
		process_block(i == 1 && argc > 1);
	free(kept);
	return 0;
}
