/*
 * levels DEPTH - a recursion through two functions, which of them follows from the level. Each level allocates
 * in two places, twice in each: before and after the deeper levels. So a place of a level has one call
 * stack, met on the way down and on the way up. The size names the level. The deepest level keeps one byte.
 */
#include <stdlib.h>

#define LEAST 100000

static int depth;
static void *volatile kept;

void level(int n);
void other(int n);

static int is_other(int n)
{
	return (unsigned)n * 2654435761u >> 31;
}

static void deeper(int n, int round)
{
	if (round == 0 && n == depth)
		kept = malloc(1);
	if (round == 0 && n < depth) {
		if (is_other(n + 1))
			other(n + 1);
		else
			level(n + 1);
	}
}

void level(int n)
{
	for (int round = 0; round < 2; round++) {
		free(malloc(LEAST + (size_t)n));
		deeper(n, round);
		free(malloc(LEAST + (size_t)n));
	}
}

void other(int n)
{
	for (int round = 0; round < 2; round++) {
		free(malloc(LEAST + (size_t)n));
		deeper(n, round);
		free(malloc(LEAST + (size_t)n));
	}
}

int main(int argc, char **argv)
{
	depth = argc > 1 ? atoi(argv[1]) : 0;
	level(0);
	return 0;
}
