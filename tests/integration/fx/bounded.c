/*
 * bounded MODE FILE SECONDS - goes on after a recording has ended.
 *
 *   relay   two threads allocate blocks of 1000000 (the other 2000000) bytes + 0, 1, 2, ... in
 *           turn, and hand each to another thread, which frees it. FILE, mapped shared, holds
 *           how many mallocs of each returned after half the time, and so far. A child does the
 *           same with 3000000 and 4000000.
 *   serve   the same until somebody writes into the word of FILE that follows the counts.
 *   notice  allocates every millisecond until tracker.h says that nothing is recorded, at most
 *           so many seconds; FILE holds how many mallocs returned before that was said. 5 if
 *           it was never said.
 *   noise   makes 100 blocks of 1001 bytes; then, until somebody writes into that word or, if SECONDS is not 0, so many times, puts the n-th block, of
 *           2000 + (n * 2654435761 mod 2^32) mod 50000 bytes, into one of 4096 places and frees what
 *           was there; then frees 40 of the first. FILE holds how many of the others it made.
 *   later   allocates 100 blocks of 1001 bytes and a mapping of 8 pages, frees 100 of 1003; SECONDS later it
 *           frees 40 of the first, makes 10 of them 1005 bytes large, unmaps three pages, allocates 50 of 1002. FILE
 *           holds when the first part was done, in ns.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "libtracker/tracker.h"
#include "truth.h"

#define RING 64u
#define PRODUCERS 2u
#define PERIOD 1000000u

struct shared {
	_Atomic uint64_t half[2 * PRODUCERS], all[2 * PRODUCERS], stop;
};

struct relay {
	_Atomic(void *) ring[RING];
	unsigned number;
	_Atomic bool done;
};

static struct shared *shared;
static struct relay relays[2 * PRODUCERS];
static uint64_t seconds;
static bool serving;
static double began;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void pause_for(long ns)
{
	nanosleep(&(struct timespec){ .tv_nsec = ns }, NULL);
}

static bool goes_on(double t)
{
	return serving ? !atomic_load(&shared->stop) : t < (double)seconds;
}

static void *produce(void *relay)
{
	struct relay *const r = relay;
	const size_t base = (r->number + 1) * (size_t)PERIOD;
	double t;

	for (uint64_t n = 0; goes_on(t = now() - began); n++) {
		void *const p = keep(malloc(base + n % PERIOD));

		atomic_store(&shared->all[r->number], n + 1);
		if (t < (double)seconds / 2)
			atomic_store(&shared->half[r->number], n + 1);
		while (atomic_load(&r->ring[n % RING]))
			pause_for(10000);
		atomic_store(&r->ring[n % RING], p);
		if (n % 32 == 31)
			pause_for(1000000);
	}
	atomic_store(&r->done, true);
	return NULL;
}

static void *consume(void *relay)
{
	struct relay *const r = relay;

	for (uint64_t n = 0;; n++) {
		void *p;

		while (!(p = atomic_exchange(&r->ring[n % RING], NULL))) {
			if (atomic_load(&r->done) && !atomic_load(&r->ring[n % RING]))
				return NULL;
			pause_for(10000);
		}
		free(p);
	}
}

static int relay(void)
{
	const pid_t child = fork();
	const unsigned first = child ? 0 : PRODUCERS;
	pthread_t threads[2 * PRODUCERS];
	int status = 0;

	began = now();
	for (unsigned i = 0; i < PRODUCERS; i++) {
		relays[first + i].number = first + i;
		must(!pthread_create(&threads[2 * i], NULL, produce, &relays[first + i]), "thread");
		must(!pthread_create(&threads[2 * i + 1], NULL, consume, &relays[first + i]), "thread");
	}
	for (unsigned i = 0; i < 2 * PRODUCERS; i++)
		pthread_join(threads[i], NULL);
	if (!child)
		_exit(5);
	must(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 5, "the child");
	return 5;
}

static int notice(void)
{
	began = now();
	while (now() - began < (double)seconds) {
		free(keep(malloc(1001)));
		if (tracker_untrack(9999, 1) == TRACKER_EDISABLED) /* nothing is recorded any more */
			return 0;
		atomic_fetch_add(&shared->all[0], 1);
		pause_for(1000000);
	}
	return 5;
}

#define PLACES 4096u

static int noise(void)
{
	static void *place[PLACES];
	void *first[100];
	uint32_t random = 1;

	for (unsigned i = 0; i < 100; i++)
		first[i] = keep(malloc(1001));
	for (uint32_t n = 0; seconds ? n < seconds : !atomic_load(&shared->stop); n++) {
		random = random * 1103515245 + 12345;
		void **const p = &place[(random >> 16) % PLACES];

		free(*p);
		*p = keep(malloc(2000 + n * 2654435761u % 50000));
		atomic_store(&shared->all[0], n + 1);
	}
	for (unsigned i = 0; i < 40; i++)
		free(first[i]);
	return 5;
}

#define PAGE 4096u

static int later(void)
{
	void *block[100];
	char *pages;

	began = now();
	for (unsigned i = 0; i < 100; i++) {
		free(keep(malloc(1003)));
		block[i] = keep(malloc(1001));
	}
	pages = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(pages != MAP_FAILED, "mmap");
	atomic_store(&shared->all[0], (uint64_t)((now() - began) * 1e9));
	nanosleep(&(struct timespec){ .tv_sec = (time_t)seconds }, NULL);
	for (unsigned i = 0; i < 40; i++)
		free(block[i]);
	for (unsigned i = 40; i < 50; i++)
		must(keep(realloc(block[i], 1005)) != NULL, "realloc");
	must(munmap(pages + PAGE, 3 * PAGE) == 0, "munmap");
	for (unsigned i = 0; i < 50; i++)
		keep(malloc(1002));
	return 5;
}

int main(int argc, char **argv)
{
	must(argc == 4, "arguments");
	const int fd = open(argv[2], O_RDWR | O_CREAT, 0600);

	must(fd >= 0 && ftruncate(fd, sizeof(*shared)) == 0, "the shared file");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(shared != MAP_FAILED, "mmap");
	seconds = strtoul(argv[3], NULL, 10);
	if (!strcmp(argv[1], "later"))
		return later();
	if (!strcmp(argv[1], "noise"))
		return noise();
	serving = !strcmp(argv[1], "serve");
	return serving || !strcmp(argv[1], "relay") ? relay() : notice();
}
