/*
 * torture_threads MODE - threads that are cancelled, that have next to no stack, that are
 * interrupted all the time, that end in ways of their own.
 */
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "modes.h"

enum { PAGE = 4096 };

static void start(pthread_t *t, const pthread_attr_t *how, void *(*body)(void *), void *data)
{
	must(!pthread_create(t, how, body, data), "pthread_create");
}

static void cancel(pthread_t t)
{
	void *result;

	must(!pthread_cancel(t) && !pthread_join(t, &result) && result == PTHREAD_CANCELED, "pthread_cancel");
}

static _Atomic unsigned long made;

static void *cancellable(void *unused)
{
	for (int i = 0; i < 500; i++) {
		void *const p = keep(malloc(1001));

		made++;
		free(p);
		pthread_testcancel();
	}
	for (;;)
		pause();
	return unused;
}

/* Cancelled between two calls: each time after another number of them. */
static void mode_cancel_deferred(void)
{
	pthread_t t;

	for (int i = 0; i < 200; i++) {
		const unsigned long before = atomic_load(&made);

		start(&t, NULL, cancellable, NULL);
		while (atomic_load(&made) < before + 50)
			sched_yield();
		cancel(t);
	}
	truth_line("E", "malloc,free", 1001, 200 * 50);
}

static void clean_up(void *p)
{
	free(p);
	churn(1004, 2);
}

static pthread_barrier_t barrier;

/* The wish to cancel is there while it allocates: no hook may be a point where it is granted. */
static void *pending(void *unused)
{
	void *const p = keep(malloc(1003));

	pthread_cleanup_push(clean_up, p);
	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	pthread_barrier_wait(&barrier);
	pthread_barrier_wait(&barrier);
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	churn(1001, 500);
	for (;;)
		pause();
	pthread_cleanup_pop(1);
	return unused;
}

static void mode_cancel_pending(void)
{
	pthread_t t;

	pthread_barrier_init(&barrier, NULL, 2);
	for (int i = 0; i < 100; i++) {
		start(&t, NULL, pending, NULL);
		pthread_barrier_wait(&barrier);
		must(!pthread_cancel(t), "pthread_cancel");
		pthread_barrier_wait(&barrier);
		pthread_join(t, NULL);
	}
	truth_churn(1001, 50000);
	truth_churn(1003, 100);
	truth_churn(1004, 200);
}

static volatile unsigned long sum;

/* Any instruction of its computing may be its last; the heap is used with the gate closed. */
static void *computing(void *unused)
{
	void *p;

	pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	churn(1001, 20);
	p = keep(malloc(1003));
	pthread_cleanup_push(clean_up, p);
	made++;
	pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
	for (;;)
		sum++;
	pthread_cleanup_pop(1);
	return unused;
}

static void mode_cancel_async(void)
{
	pthread_t t;

	for (unsigned long i = 0; i < 200; i++) {
		start(&t, NULL, computing, NULL);
		while (atomic_load(&made) <= i)
			sched_yield();
		cancel(t);
	}
	truth_churn(1001, 4000);
	truth_churn(1003, 200);
	truth_churn(1004, 400);
}

static void *little(void *unused)
{
	churn(1001, 20);
	return unused;
}

/* The smallest stack that there is; the kernel's frames and the C library's are on it, too. */
static void mode_tiny_stacks(void)
{
	pthread_attr_t how;
	pthread_t t[8];

	pthread_attr_init(&how);
	must(!pthread_attr_setstacksize(&how, (size_t)PTHREAD_STACK_MIN), "pthread_attr_setstacksize");
	for (int i = 0; i < 25; i++) {
		for (int k = 0; k < 8; k++)
			start(&t[k], &how, little, NULL);
		for (int k = 0; k < 8; k++)
			pthread_join(t[k], NULL);
	}
	truth_churn(1001, 4000);
}

/* Stacks out of the heap, which go back there and serve another thread. */
static void mode_own_stacks(void)
{
	const size_t room = 64 << 10;
	pthread_attr_t how;
	pthread_t t;

	for (int i = 0; i < 200; i++) {
		void *const stack = keep(aligned_alloc(PAGE, room));

		pthread_attr_init(&how);
		must(!pthread_attr_setstack(&how, stack, room), "pthread_attr_setstack");
		start(&t, &how, little, NULL);
		pthread_join(t, NULL);
		free(stack);
	}
	truth_churn(1001, 4000);
	truth("aligned_alloc", room, 200);
	truth("free", room, 200);
}

static _Atomic int ended;

static void *detached(void *unused)
{
	churn(1001, 3);
	ended++;
	return unused;
}

static void mode_detached(void)
{
	enum { COUNT = 2000 };
	pthread_attr_t how;
	pthread_t t;

	pthread_attr_init(&how);
	pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED);
	for (int i = 0; i < COUNT; i++)
		while (pthread_create(&t, &how, detached, NULL))
			sched_yield();
	while (atomic_load(&ended) < COUNT)
		sched_yield();
	truth_churn(1001, 3ul * COUNT);
}

static void *counted(void *unused)
{
	churn(1001, 20000);
	ended++;
	return unused;
}

/* setgid in one thread is a signal to every other one, wherever it is. */
static void mode_setxid(void)
{
	pthread_t t[3];

	for (int i = 0; i < 3; i++)
		start(&t[i], NULL, counted, NULL);
	do
		must(setresgid((gid_t)-1, (gid_t)-1, (gid_t)-1) == 0, "setresgid");
	while (atomic_load(&ended) < 3);
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	truth_churn(1001, 60000);
}

static pthread_key_t keys[4];

static void re_arm(void *value)
{
	free(value);
	churn(1002, 1);
}

static void *with_keys(void *unused)
{
	for (int i = 0; i < 4; i++)
		pthread_setspecific(keys[i], keep(malloc(1001)));
	return unused;
}

/* Destructors of keys free what they are given, and allocate, after everything else of the thread. */
static void mode_keys(void)
{
	pthread_t t;

	for (int i = 0; i < 4; i++)
		must(!pthread_key_create(&keys[i], re_arm), "pthread_key_create");
	for (int i = 0; i < 300; i++) {
		start(&t, NULL, with_keys, NULL);
		pthread_join(t, NULL);
	}
	truth_churn(1001, 1200);
	truth_churn(1002, 1200);
}

static void *outlive(void *main_thread)
{
	pthread_join(*(pthread_t *)main_thread, NULL);
	churn(1002, 5000);
	exit(7);
}

/* The first thread ends, and is joined; the process goes on with another status. */
static void mode_main_ends(void)
{
	static pthread_t me;
	pthread_t t;

	me = pthread_self();
	churn(1001, 10);
	truth_churn(1001, 10);
	truth_churn(1002, 5000);
	start(&t, NULL, outlive, &me);
	pthread_exit(NULL);
}

static const struct mode modes[] = {
	MODE(cancel_deferred), MODE(cancel_pending), MODE(cancel_async), MODE(tiny_stacks), MODE(own_stacks),
	MODE(detached), MODE(setxid), MODE(keys), MODE(main_ends),
};

int main(int argc, char **argv)
{
	return RUN_MODE(argc, argv, modes);
}
