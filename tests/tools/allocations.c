/* allocations - see allocations.h. */
#include "tools/allocations.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>

struct allocations allocations;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
void __wrap_free(void *p);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t max);

/* See coverage.h. */
void coverage_begin(void);
void coverage_begin(void)
{
	allocations.fail_at = 0;
}

__attribute__((destructor)) static void at_exit(void)
{
	coverage_begin();
}

static int refuse(void)
{
	if (++allocations.calls != allocations.fail_at)
		return 0;
	allocations.refused++;
	errno = ENOMEM;
	return 1;
}

static void *born(void *p)
{
	allocations.live += p ? malloc_usable_size(p) : 0;
	if (allocations.live > allocations.peak)
		allocations.peak = allocations.live;
	return p;
}

/* What was allocated before the reset takes nothing away. */
static void died(size_t bytes)
{
	allocations.live -= bytes < allocations.live ? bytes : allocations.live;
}

void *__wrap_malloc(size_t size)
{
	return refuse() ? NULL : born(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
	return refuse() ? NULL : born(__real_calloc(count, size));
}

void *__wrap_realloc(void *p, size_t size)
{
	const size_t before = p ? malloc_usable_size(p) : 0;
	void *grown;

	if (refuse())
		return NULL;
	grown = __real_realloc(p, size);
	if (grown) { /* while it moves both are there */
		born(grown);
		died(before);
	}
	return grown;
}

void __wrap_free(void *p)
{
	died(p ? malloc_usable_size(p) : 0);
	__real_free(p);
}

char *__wrap_strndup(const char *text, size_t max)
{
	const size_t n = strnlen(text, max);
	char *const copy = __wrap_malloc(n + 1);

	if (copy) {
		memcpy(copy, text, n);
		copy[n] = 0;
	}
	return copy;
}

char *__wrap_strdup(const char *text)
{
	return __wrap_strndup(text, SIZE_MAX);
}
