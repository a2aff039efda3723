/*
 * large - memory that is looked at everywhere, one place after another that nobody could foresee.
 *
 * With pages of 4 KiB most looks would wait for the page's address, too; so large arrays ask for large pages. free()
 * gives the memory back.
 */
#ifndef TRK_LARGE_H
#define TRK_LARGE_H

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LARGE_PAGE_BYTES ((size_t)2 << 20)

/* Holds anything; NULL: no memory. */
static inline void *large_new(size_t bytes)
{
	void *p;

	if (bytes < LARGE_PAGE_BYTES || bytes > SIZE_MAX - LARGE_PAGE_BYTES)
		return malloc(bytes);
	bytes = (bytes + LARGE_PAGE_BYTES - 1) & ~(LARGE_PAGE_BYTES - 1);
	p = aligned_alloc(LARGE_PAGE_BYTES, bytes);
	if (p)
		(void)madvise(p, bytes, MADV_HUGEPAGE);
	return p;
}

/* Zeroes; NULL: no memory. */
static inline void *large_zeroes(size_t bytes)
{
	void *p;

	if (bytes < LARGE_PAGE_BYTES)
		return calloc(1, bytes);
	p = large_new(bytes);
	return p ? memset(p, 0, bytes) : NULL;
}

#endif
