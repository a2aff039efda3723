/*
 * large - memory that is accessed at random places.
 *
 * With pages of 4 KiB, most accesses would also wait for the address of the page, so large arrays ask for large
 * pages. They are mappings of their own, because malloc would keep freed ones between others.
 */
#ifndef TRK_LARGE_H
#define TRK_LARGE_H

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define LARGE_PAGE_BYTES ((size_t)2 << 20)

static inline size_t large_pages(size_t bytes)
{
	return (bytes + LARGE_PAGE_BYTES - 1) & ~(LARGE_PAGE_BYTES - 1);
}

/* Zeroes; NULL: no memory. large_free gives it back. */
static inline void *large_zeroes(size_t bytes)
{
	if (bytes < LARGE_PAGE_BYTES)
		return calloc(1, bytes);
	if (bytes > SIZE_MAX / 2)
		return NULL;

	const size_t size = large_pages(bytes), mapped = size + LARGE_PAGE_BYTES;
	uint8_t *const p = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;

	const size_t before = -(uintptr_t)p & (LARGE_PAGE_BYTES - 1);

	if (before)
		(void)munmap(p, before);
	(void)munmap(p + before + size, mapped - before - size);
	(void)madvise(p + before, size, MADV_HUGEPAGE);
	return p + before;
}

/* Accepts NULL. bytes: as many as were asked for. */
static inline void large_free(void *p, size_t bytes)
{
	if (bytes < LARGE_PAGE_BYTES)
		free(p);
	else if (p)
		(void)munmap(p, large_pages(bytes));
}

#endif
