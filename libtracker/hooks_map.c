/*
 * hooks_map - anonymous memory mappings that the program makes itself.
 *
 * Mapped files are not heap. munmap and mprotect may cut any range; the recorder computes what is left, and drops
 * calls that change nothing. libc's own mappings (big mallocs, thread stacks) do not come here.
 */
#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>

#include "code.h"
#include "format/bucket.h"
#include "hook.h"
#include "python_frames.h"
#include "linger.h"
#include "raw.h"
#include "send.h"
#include "thread.h"

#define ARENA_MIN ((size_t)16 << 20) /* smaller mappings are heap for the recorder */

static void unmapping(uintptr_t address, size_t size, uintptr_t frame)
{
	struct thread *const t = thread_enter(frame);

	if (!t)
		return;
	send_unmap(t, address, size);
	thread_leave(t);
}

static void mapping(uint8_t kind, const void *address, size_t size, uint32_t detail, const struct site *at)
{
	struct thread *const t = thread_enter(at->sp);

	if (!t)
		return;
	send_mapping(t, kind, (uintptr_t)address, size, detail, at);
	thread_leave(t);
}

static bool can_touch(int prot)
{
	return prot & (PROT_READ | PROT_WRITE | PROT_EXEC);
}

/* Whether a mapping is memory, or only addresses: pages that nothing can touch, or that the kernel need not have. */
static uint8_t kind_of_map(int prot, int flags)
{
	if (!can_touch(prot))
		return TRK_RESERVE;
	return (flags & MAP_NORESERVE) && !(flags & (MAP_POPULATE | MAP_LOCKED)) ? TRK_ARENA : TRK_MMAP;
}

/* Only a look can say which of its pages are used: the recorder takes one at the end of the process, too. */
static void note_arena(size_t size, int prot, int flags)
{
	if (size >= ARENA_MIN && can_touch(prot) && flags & (MAP_NORESERVE | MAP_FIXED))
		linger_arena();
}

/* Memory that the program can use; only this matters to its watchers. */
static bool is_memory(int prot, int flags)
{
	return flags & MAP_ANONYMOUS && can_touch(prot);
}

static void *map(void *address, size_t size, int prot, int flags, int fd, off_t offset,
		 const struct site *at)
{
	void *p;

	struct watch_call c = { .at = at, .kind = TRK_MMAP, .size = size };

	hook_start();
	if (unlikely(start_is_held()) && is_memory(prot, flags) && !hook_watched_begin(&c))
		return MAP_FAILED;
	p = real.mmap(address, size, prot, flags, fd, offset);
	if (unlikely(c.judged))
		watch_after(&c, p == MAP_FAILED ? NULL : p);
	if (p == MAP_FAILED)
		return p;
	if (prot & PROT_EXEC)
		code_mapped((uintptr_t)p, size);
	if (flags & MAP_ANONYMOUS) {
		note_arena(size, prot, flags);
		mapping(kind_of_map(prot, flags), p, size, 0, at);
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
 * A call that the kernel refuses without looking changes nothing: no whole pages, or more pages than there are. In
 * the second case the kernel need not be asked; a thread that unmaps the stack of this hook never returns.
 */
static bool may_unmap(uintptr_t address, size_t size, uintptr_t frame)
{
	return size && raw_page_of(address) == address && size <= UINTPTR_MAX - address &&
	       (frame < address || frame - address >= size);
}

EXPORT int munmap(void *address, size_t size)
{
	const struct site at = SITE_HERE();

	hook_start();
	if (unlikely(state.python != NULL))
		python_release((uintptr_t)address, at.sp);
	if (may_unmap((uintptr_t)address, size, at.sp))
		unmapping((uintptr_t)address, size, at.sp);
	code_unmapped((uintptr_t)address, size);
	return real.munmap(address, size);
}

static uint32_t access_of(int prot)
{
	return can_touch(prot) ? TRK_ACCESS_SOME : TRK_ACCESS_NONE;
}

EXPORT int mprotect(void *address, size_t size, int prot)
{
	const struct site at = SITE_HERE();
	int status;

	hook_start();
	status = real.mprotect(address, size, prot);
	if (status == 0 && (prot & PROT_EXEC))
		code_mapped((uintptr_t)address, size);
	if (status == 0)
		mapping(TRK_MPROTECT, address, size, access_of(prot), &at);
	return status;
}

/* A C library that is older than these functions. */
static int no_pkeys(void)
{
	errno = ENOSYS;
	return -1;
}

EXPORT int pkey_mprotect(void *address, size_t size, int prot, int key)
{
	const struct site at = SITE_HERE();
	int status;

	hook_start();
	status = real.pkey_mprotect ? real.pkey_mprotect(address, size, prot, key) : no_pkeys();
	if (status == 0 && (prot & PROT_EXEC))
		code_mapped((uintptr_t)address, size);
	if (status == 0)
		mapping(TRK_MPROTECT, address, size, access_of(prot), &at);
	return status;
}

/* Advice that takes pages away, or brings them back. */
static bool is_noted(int advice)
{
	return advice == TRK_DONTNEED || advice == TRK_FREE_PAGES || advice == TRK_REMOVE ||
	       advice == TRK_POPULATE_WRITE;
}

EXPORT int madvise(void *address, size_t size, int advice)
{
	const struct site at = SITE_HERE();
	int status;

	hook_start();
	status = real.madvise(address, size, advice);
	if (status == 0 && is_noted(advice))
		mapping(TRK_MADVISE, address, size, (uint32_t)advice, &at);
	return status;
}

static bool grows(size_t old_size, size_t size)
{
	return bucket_blocks(size) > bucket_blocks(old_size);
}

EXPORT void *mremap(void *old, size_t old_size, size_t size, int flags, ...)
{
	const struct site at = SITE_HERE();
	/* with this flag the old pages stay a mapping, an empty one */
	const size_t released = flags & MREMAP_DONTUNMAP ? 0 : old_size;
	struct watch_call c = { .at = &at, .kind = TRK_MREMAP, .size = size };
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
	if (unlikely(start_is_held()) && grows(old_size, size) && !hook_watched_begin(&c))
		return MAP_FAILED;
	t = thread_enter(at.sp);
	begun = t && send_mremap_begin(t, (uintptr_t)old, released);
	if (t)
		thread_leave(t);
	p = real.mremap(old, old_size, size, flags, wanted);
	if (unlikely(c.judged))
		watch_after(&c, p == MAP_FAILED ? NULL : p);
	if (begun && (t = thread_enter(at.sp))) {
		send_mremap_end(t, (uintptr_t)old, released, p == MAP_FAILED ? 0 : (uintptr_t)p,
				size, &at);
		thread_leave(t);
	}
	return p;
}
