/* leak - three blocks nobody knows any more (lost), two that a static still holds. */
#include <stdlib.h>

#include "truth.h"

static void *held[2];

static __attribute__((noinline)) void lost(void)
{
	for (int i = 0; i < 3; i++)
		keep(malloc(1001));
}

static __attribute__((noinline)) void reachable(void)
{
	for (int i = 0; i < 2; i++)
		held[i] = keep(malloc(1002));
}

int main(void)
{
	lost();
	reachable();
	churn(1003, 7);
	truth("malloc", 1001, 3);
	truth_leaked(1001, 3);
	truth("malloc", 1002, 2);
	truth_leaked(1002, 2);
	truth_churn(1003, 7);
	return 0;
}
