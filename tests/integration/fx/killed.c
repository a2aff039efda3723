/*
 * killed FILE - allocates and frees until somebody kills it. FILE, mapped
 * shared, holds its pid, the number of mallocs that returned and of frees that
 * returned: whatever is counted there must be in the capture.
 */
#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>

#include "truth.h"

struct shared {
	volatile uint64_t pid, mallocs, frees;
};

int main(int argc, char **argv)
{
	const int fd = argc > 1 ? open(argv[1], O_RDWR | O_CREAT, 0600) : -1;

	must(fd >= 0 && ftruncate(fd, sizeof(struct shared)) == 0, "the shared file");
	struct shared *const s = mmap(NULL, sizeof(*s), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	must(s != MAP_FAILED, "mmap");
	s->pid = (uint64_t)getpid();
	for (unsigned i = 0;; i++) {
		void *const p = keep(malloc(1001));

		s->mallocs++;
		if (i % 10 == 9)
			continue;
		free(p);
		s->frees++;
	}
}
