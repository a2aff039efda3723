/*
 * hooks_map - anonymous memory mappings that the program makes itself.
 *
 * Files that are mapped are no heap. munmap may cut any range: replay keeps the
 * algebra. libc's own mappings (big mallocs, thread stacks) do not pass here.
 */
#include <stdarg.h>
#include <sys/mman.h>

#include "hook.h"

static void unmapping(uintptr_t address, size_t size, uintptr_t frame)
{
	struct thread *const t = thread_enter(frame);

	if (!t)
		return;
	emit_unmap(t, address, size);
	thread_leave(t);
}

static void *map(void *address, size_t size, int prot, int flags, int fd, off_t offset,
		 const struct site *at)
{
	struct thread *t;
	void *p;

	hook_start();
	p = real.mmap(address, size, prot, flags, fd, offset);
	if (p == MAP_FAILED)
		return p;
	if (flags & MAP_ANONYMOUS) {
		t = thread_enter(at->sp);
		if (t) {
			emit_alloc(t, TRK_MMAP, (uintptr_t)p, size, at);
			thread_leave(t);
		}
	} else if (flags & MAP_FIXED) {
		/* A file now stands where anonymous memory may have been. */
		unmapping((uintptr_t)p, size, at->sp);
	}
	return p;
}

EXPORT void *mmap(void *address, size_t size, int prot, int flags, int fd, off_t offset)
{
	const struct site at = SITE_HERE();

	return map(address, size, prot, flags, fd, offset, &at);
}

EXPORT void *mmap64(void *address, size_t size, int prot, int flags, int fd, off64_t offset)
{
	const struct site at = SITE_HERE();

	return map(address, size, prot, flags, fd, offset, &at);
}

/*
 * What the kernel refuses unseen changes nothing: no whole pages, or more of them than there
 * are. The latter it need not tell us: who unmaps the stack that this hook is on never returns.
 */
static bool may_unmap(uintptr_t address, size_t size, uintptr_t frame)
{
	return size && address % 4096 == 0 && size <= UINTPTR_MAX - address &&
	       (frame < address || frame - address >= size);
}

EXPORT int munmap(void *address, size_t size)
{
	const struct site at = SITE_HERE();

	hook_start();
	if (may_unmap((uintptr_t)address, size, at.sp))
		unmapping((uintptr_t)address, size, at.sp);
	return real.munmap(address, size);
}

EXPORT void *mremap(void *old, size_t old_size, size_t size, int flags, ...)
{
	const struct site at = SITE_HERE();
	/* with this flag the old pages stay a mapping, an empty one */
	const size_t released = flags & MREMAP_DONTUNMAP ? 0 : old_size;
	struct thread *t;
	va_list rest;
	void *wanted = NULL, *p;
	bool begun;

	if (flags & MREMAP_FIXED) {
		va_start(rest, flags);
		wanted = va_arg(rest, void *);
		va_end(rest);
	}
	hook_start();
	t = thread_enter(at.sp);
	begun = t && emit_mremap_begin(t, (uintptr_t)old, released);
	if (t)
		thread_leave(t);
	p = real.mremap(old, old_size, size, flags, wanted);
	if (begun && (t = thread_enter(at.sp))) {
		emit_mremap_end(t, (uintptr_t)old, released, p == MAP_FAILED ? 0 : (uintptr_t)p,
				size, &at);
		thread_leave(t);
	}
	return p;
}
