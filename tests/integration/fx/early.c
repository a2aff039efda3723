/*
 * early - allocations before main (.preinit_array, constructors) and after it
 * (atexit, destructors, destructors of thread keys).
 */
#include <pthread.h>

#include "truth.h"

static void preinit(void) { churn(1001, 3); }

__attribute__((section(".preinit_array"), used)) static void (*const preinit_entry)(void) = preinit;

static pthread_key_t key;
static int rounds;

/* Sets itself again until the C library gives up: the last round comes very late. */
static void key_destructor(void *value)
{
	churn(1006, 1);
	rounds++;
	pthread_setspecific(key, value);
}

static void *thread(void *unused)
{
	pthread_setspecific(key, &key);
	return unused;
}

static void at_exit(void) { churn(1005, 5); }

__attribute__((constructor(101))) static void constructor(void) { churn(1002, 4); }
__attribute__((destructor(101))) static void destructor(void) { churn(1004, 6); }

int main(void)
{
	pthread_t t;

	pthread_key_create(&key, key_destructor);
	must(!pthread_create(&t, NULL, thread, NULL), "pthread_create");
	pthread_join(t, NULL);
	atexit(at_exit);
	churn(1003, 7);
	truth_churn(1001, 3);
	truth_churn(1002, 4);
	truth_churn(1003, 7);
	truth_churn(1004, 6);
	truth_churn(1005, 5);
	truth_churn(1006, (unsigned long)rounds);
	must(rounds > 0, "key destructors ran");
	return 0;
}
