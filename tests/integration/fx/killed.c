/*
 * killed FILE [THREADS] - allocates, reallocates and frees until somebody kills it. FILE, mapped
 * shared, holds its pid and the number of mallocs, reallocs and frees of each thread that
 * returned: whatever is counted there must be in the capture. The first thread's blocks
 * have 1001 bytes, 2001 after the realloc; the second's 1002, 2002, ...
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/mman.h>

#include "truth.h"

#define THREADS_MAX 8

struct counts {
	volatile uint64_t mallocs, frees, reallocs;
};

static struct shared {
	volatile uint64_t pid;
	struct counts threads[THREADS_MAX];
} *shared;

static void *work(void *counts)
{
	struct counts *const c = counts;
	const size_t size = 1001 + (size_t)(c - shared->threads);

	for (unsigned i = 0;; i++) {
		void *p = keep(malloc(size));

		c->mallocs++;
		if (i % 10 == 9)
			continue;
		if (i % 10 == 5) {
			p = keep(realloc(p, size + 1000));
			c->reallocs++;
		}
		free(p);
		c->frees++;
	}
	return NULL;
}

int main(int argc, char **argv)
{
	const int fd = argc > 1 ? open(argv[1], O_RDWR | O_CREAT, 0600) : -1;
	const unsigned threads = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
	pthread_t thread;

	must(fd >= 0 && ftruncate(fd, sizeof(*shared)) == 0, "the shared file");
	must(threads >= 1 && threads <= THREADS_MAX, "the number of threads");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(shared != MAP_FAILED, "mmap");
	for (unsigned i = 1; i < threads; i++)
		must(pthread_create(&thread, NULL, work, &shared->threads[i]) == 0, "a thread");
	shared->pid = (uint64_t)getpid();
	work(&shared->threads[0]);
	return 0;
}
