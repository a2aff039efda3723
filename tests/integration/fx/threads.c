/*
 * threads short|churn - 2000 short threads that pass blocks to one another, or
 * four that allocate beside each other as fast as they can.
 *
 * short: every thread frees its predecessor's block and leaves its own; eight
 * at a time, through an atomic exchange, so that blocks cross threads in any
 * order. The last block is freed by main.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <sys/prctl.h>

#include "truth.h"

enum { SHORT = 2000, ABREAST = 8, CHURNERS = 4, CHURN = 20000 };

static _Atomic(void *) handed;

static void *short_thread(void *unused)
{
	churn(1002, 3);
	free(atomic_exchange(&handed, keep(malloc(1001))));
	return unused;
}

static void *churn_thread(void *unused)
{
	prctl(PR_SET_NAME, "churner");
	churn(1003, CHURN);
	return unused;
}

static void run(void *(*body)(void *), int count, int abreast)
{
	pthread_t threads[ABREAST];

	for (int done = 0; done < count; done += abreast) {
		for (int i = 0; i < abreast; i++)
			must(!pthread_create(&threads[i], NULL, body, NULL), "pthread_create");
		for (int i = 0; i < abreast; i++)
			pthread_join(threads[i], NULL);
	}
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "short")) {
		run(short_thread, SHORT, ABREAST);
		free(atomic_exchange(&handed, NULL));
		truth_churn(1001, SHORT);
		truth_churn(1002, 3 * SHORT);
	} else {
		run(churn_thread, CHURNERS, CHURNERS);
		truth_churn(1003, CHURNERS * CHURN);
	}
	return 0;
}
