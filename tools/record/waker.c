/* waker - see waker.h. */
#include "waker.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * From now on a program that asks wakes the recorder. A thread that does nothing else tells the loop, which waits for
 * descriptors.
 */
static struct { /* the thread never ends, so this must outlive the recorder's own state */
	_Atomic uint32_t *asked;
	int event;
} waker;

static void *wake(void *unused)
{
	const uint64_t one = 1;

	(void)unused;
	for (uint32_t seen = atomic_load(waker.asked);; seen = atomic_load(waker.asked)) {
		(void)syscall(SYS_futex, waker.asked, FUTEX_WAIT, seen, NULL, NULL, 0);
		(void)!write(waker.event, &one, sizeof(one));
	}
	return NULL;
}

void waker_listen(struct recorder *r)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.ptr = NULL };
	pthread_attr_t attributes;
	pthread_t thread;

	if (r->questions.listening || !r->questions.wakes)
		return;
	r->questions.listening = true; /* without that thread, questions wait for the next round, at most 10 ms */
	waker.asked = &r->shm->questions.asked;
	waker.event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (waker.event < 0 || epoll_ctl(r->epoll, EPOLL_CTL_ADD, waker.event, &event) < 0 ||
	    pthread_attr_init(&attributes) != 0)
		return;
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, 64u << 10);
	(void)pthread_create(&thread, &attributes, wake, NULL);
	pthread_attr_destroy(&attributes);
}
