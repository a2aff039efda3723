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
#include <string.h>
#include <sys/mman.h>

#define LARGE_PAGE_BYTES ((size_t)2 << 20)

static inline size_t large_pages(size_t bytes)
{
	return (bytes + LARGE_PAGE_BYTES - 1) & ~(LARGE_PAGE_BYTES - 1);
}

/* Address space for so many bytes, which begins with a page. NULL: there is none. */
static inline uint8_t *large_reserve(size_t size, int access)
{
	const size_t mapped = size + LARGE_PAGE_BYTES;
	uint8_t *const p = mmap(NULL, mapped, access, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return NULL;

	const size_t before = -(uintptr_t)p & (LARGE_PAGE_BYTES - 1);

	if (before)
		(void)munmap(p, before);
	(void)munmap(p + before + size, mapped - before - size);
	return p + before;
}

/* Zeroes; NULL: no memory. large_free gives it back. */
static inline void *large_zeroes(size_t bytes)
{
	if (bytes < LARGE_PAGE_BYTES)
		return calloc(1, bytes);
	if (bytes > SIZE_MAX / 2)
		return NULL;

	uint8_t *const p = large_reserve(large_pages(bytes), PROT_READ | PROT_WRITE);

	if (p)
		(void)madvise(p, large_pages(bytes), MADV_HUGEPAGE);
	return p;
}

/* Accepts NULL. bytes: as many as were asked for. */
static inline void large_free(void *p, size_t bytes)
{
	if (bytes < LARGE_PAGE_BYTES)
		free(p);
	else if (p)
		(void)munmap(p, large_pages(bytes));
}

/*
 * More of it, and zeroes behind what was there: p had `before` bytes (0: p may be NULL), and shall have `bytes`, which are more. NULL: there is no
 * memory, and p stays. Pages move without a copy.
 */
static inline void *large_grow(void *p, size_t before, size_t bytes)
{
	uint8_t *grown;

	if (before >= LARGE_PAGE_BYTES && bytes <= SIZE_MAX / 2) {
		grown = large_reserve(large_pages(bytes), PROT_NONE);
		if (!grown)
			return NULL;
		if (mremap(p, large_pages(before), large_pages(bytes), MREMAP_MAYMOVE | MREMAP_FIXED, grown) != MAP_FAILED)
			return grown;
		(void)munmap(grown, large_pages(bytes));
		return NULL;
	}
	grown = large_zeroes(bytes);
	if (grown && before) {
		memcpy(grown, p, before);
		large_free(p, before);
	}
	return grown;
}

#endif
