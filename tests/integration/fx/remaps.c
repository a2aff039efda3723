/*
 * remaps - threads that move mappings, and are given the ranges that others have just left.
 *
 * Told is how many mappings were made: every mmap and every mremap that succeeded.
 */
#include <pthread.h>
#include <sys/mman.h>

#include "truth.h"

#define PAGE 4096ul
#define THREADS 4
#define TURNS 4000

static void *map(size_t pages)
{
	void *const p = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED, "mmap");
	return p;
}

static void *work(void *unused)
{
	for (int i = 0; i < TURNS; i++) {
		void *p = map(2), *const q = map(2);

		/* beyond what lies between them: one has to move */
		p = mremap(p, 2 * PAGE, 5 * PAGE, MREMAP_MAYMOVE);
		must(p != MAP_FAILED, "mremap");
		must(mremap(p, 5 * PAGE, PAGE << 40, MREMAP_MAYMOVE) == MAP_FAILED, "an mremap that is too large");
		p = mremap(p, 5 * PAGE, 1 * PAGE, 0);
		must(p != MAP_FAILED, "mremap that shrinks");
		must(munmap(p, 1 * PAGE) == 0 && munmap(q, 2 * PAGE) == 0, "munmap");
	}
	return unused;
}

int main(void)
{
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++)
		must(!pthread_create(&threads[i], NULL, work, NULL), "pthread_create");
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	truth("mappings", 0, THREADS * TURNS * 4ul);
	return 0;
}
