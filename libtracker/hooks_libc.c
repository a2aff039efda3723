/*
 * hooks_libc - the malloc family under the names by which a program's own shim calls the C library's. Each hook calls
 * the function of its own name: libc_malloc_debug's malloc calls these, and must not come back to itself.
 */
#include "hook.h"

EXPORT void *__libc_malloc(size_t size);
EXPORT void *__libc_malloc(size_t size)
{
	if (unlikely(!hook_start_by_allocation()))
		return real.libc_malloc(size);
	HOOK_ALLOC(TRK_MALLOC, size, size, 0, real.libc_malloc(size));
}

EXPORT void *__libc_calloc(size_t n, size_t size);
EXPORT void *__libc_calloc(size_t n, size_t size)
{
	if (unlikely(!hook_start_by_allocation()))
		return real.libc_calloc(n, size);
	HOOK_ALLOC(TRK_CALLOC, n * size, hook_product(n, size), 0, real.libc_calloc(n, size));
}

EXPORT void *__libc_memalign(size_t align, size_t size);
EXPORT void *__libc_memalign(size_t align, size_t size)
{
	if (unlikely(!hook_start_by_allocation()))
		return real.libc_memalign(align, size);
	HOOK_ALLOC(TRK_MEMALIGN, size, size, align, real.libc_memalign(align, size));
}

EXPORT void *__libc_valloc(size_t size);
EXPORT void *__libc_valloc(size_t size)
{
	if (unlikely(!hook_start_by_allocation()))
		return real.libc_valloc(size);
	HOOK_ALLOC(TRK_VALLOC, size, size, 0, real.libc_valloc(size));
}

EXPORT void *__libc_pvalloc(size_t size);
EXPORT void *__libc_pvalloc(size_t size)
{
	if (unlikely(!hook_start_by_allocation()))
		return real.libc_pvalloc(size);
	HOOK_ALLOC(TRK_PVALLOC, size, size, 0, real.libc_pvalloc(size));
}

EXPORT void *__libc_realloc(void *p, size_t size);
EXPORT void *__libc_realloc(void *p, size_t size)
{
	if (unlikely(!hook_start_by_allocation()))
		return real.libc_realloc(p, size);

	const struct site at = SITE_HERE();

	if (unlikely(start_is_held()))
		return hook_realloc_watched(real.libc_realloc, TRK_REALLOC, p, size, &at);
	return hook_realloc(real.libc_realloc, TRK_REALLOC, p, size, &at);
}

EXPORT void __libc_free(void *p);
EXPORT void __libc_free(void *p)
{
	const struct site at = SITE_HERE();
	uintptr_t outer;

	RELEASE_OR_PASS(TRK_FREE, real.libc_free(p));
	hook_release(TRK_FREE, p, at.sp);
	outer = hook_enter_real(at.sp);
	real.libc_free(p);
	hook_leave_real(outer);
}
