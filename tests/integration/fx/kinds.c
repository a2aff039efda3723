/*
 * kinds [sized] - every C allocator once, each with a size of its own, and every
 * way to give memory back. "sized": free_sized and its like, which this C library
 * may not have, but a newer one and tracker do.
 */
#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <sys/mman.h>

#include "truth.h"

static void release(const char *kind, void *p, unsigned long size)
{
	must(p != NULL, kind);
	memset(p, 0x5a, size);
	truth(kind, size, 1);
	truth("free", size, 1);
	free(p);
}

static void aligned(void)
{
	void *p = NULL;

	must(posix_memalign(&p, 64, 1005) == 0, "posix_memalign");
	must((uintptr_t)p % 64 == 0, "its alignment");
	release("posix_memalign", p, 1005);
	release("aligned_alloc", aligned_alloc(128, 1152), 1152);
	p = memalign(256, 1007);
	must((uintptr_t)p % 256 == 0, "memalign's alignment");
	release("memalign", p, 1007);
	p = valloc(1008);
	must((uintptr_t)p % 4096 == 0, "valloc's alignment");
	release("valloc", p, 1008);
	p = pvalloc(1009);
	must((uintptr_t)p % 4096 == 0, "pvalloc's alignment");
	release("pvalloc", p, 1009);
	must(posix_memalign(&p, 3, 1010) == EINVAL, "posix_memalign with a bad alignment");
}

static void mapped(void)
{
	char *p = mmap(NULL, 7 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED, "mmap");
	truth("mmap", 7 * 4096, 1);
	p = mremap(p, 7 * 4096, 11 * 4096, MREMAP_MAYMOVE);
	must(p != MAP_FAILED, "mremap");
	truth("mremap", 11 * 4096, 1);
	must(munmap(p, 11 * 4096) == 0, "munmap");
	p = mmap64(NULL, 13 * 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(p != MAP_FAILED, "mmap64");
	truth("mmap", 13 * 4096, 1);
}

static void sized(void)
{
	void (*const free_sized)(void *, size_t) = dlsym(RTLD_DEFAULT, "free_sized");
	void (*const free_aligned_sized)(void *, size_t, size_t) = dlsym(RTLD_DEFAULT, "free_aligned_sized");

	must(free_sized && free_aligned_sized, "free_sized");
	free_sized(keep(malloc(1020)), 1020);
	truth("malloc", 1020, 1);
	truth("free_sized", 1020, 1);
	free_aligned_sized(keep(aligned_alloc(64, 1088)), 64, 1088);
	truth("aligned_alloc", 1088, 1);
	truth("free_aligned_sized", 1088, 1);
}

/* Volatile: gcc would warn of constants that cannot succeed. */
static void refused(void)
{
	volatile size_t half = SIZE_MAX / 2;

	errno = 0;
	must(calloc(half, 3) == NULL && errno == ENOMEM, "calloc's overflow");
	errno = 0;
	must(reallocarray(NULL, half, 3) == NULL && errno == ENOMEM, "reallocarray's overflow");
	errno = 0;
	must(malloc(half) == NULL && errno == ENOMEM, "a malloc that is too large");
}

static void unsized(void)
{
	void *volatile nothing = NULL; /* gcc makes malloc(n) of realloc(NULL, n) */
	void *p = malloc(1001);

	must(malloc_usable_size(p) >= 1001 && malloc_usable_size(NULL) == 0, "malloc_usable_size");
	release("malloc", p, 1001);
	p = calloc(2, 501);
	for (int i = 0; i < 1002; i++)
		must(((char *)p)[i] == 0, "calloc's zeroes");
	release("calloc", p, 1002);
	release("realloc", realloc(nothing, 1003), 1003);
	release("reallocarray", reallocarray(nothing, 4, 251), 1004);
	aligned();
	release("malloc", memset(malloc(1011), 0, 1011), 1011);
	refused();
	free(NULL);
	errno = 77;
	churn(1012, 1);
	must(errno == 77, "errno kept");
	truth_churn(1012, 1);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "sized")) {
		sized();
		return 0;
	}
	unsized();
	mapped();
	return 0;
}
