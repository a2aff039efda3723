/* pairs [COUNT] - a block of 64 bytes is allocated and released so many times; prints how many ns of the processor each pair took. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
	const unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : 20000000;
	const double began = now_ns();

	for (unsigned long i = 0; i < count; i++) {
		void *volatile p = malloc(64);

		free(p);
	}
	printf("%.4f\n", (now_ns() - began) / (double)count);
	return 0;
}
