/*
 * hooks_malloc - the malloc family, in the place of libc's.
 *
 * Each hook calls the real function and records the call: an allocation after
 * it has returned, a release before it is called, so that the lifetimes of one
 * address never overlap in the recorded order, whichever threads race.
 */
#include <errno.h>
#include <string.h>

#include "hook.h"
#include "quarantine.h"
#include "send.h"
#include "thread.h"

__attribute__((noinline, cold)) void hook_request(uint8_t call, const void *p, size_t size, size_t align, const struct site *at)
{
	struct thread *const t = thread_enter_heap(at->sp);

	if (!t)
		return;
	send_about(t, &(struct trk_event){ .kind = TRK_REQUEST, .address = (uintptr_t)p, .size = size, .old_size = align, .detail = call }, at);
	thread_leave(t);
}

/* ---- while somebody watches ---- */

bool hook_watched_begin(struct watch_call *c)
{
	if (watch_before(c))
		return true;
	errno = ENOMEM;
	return false;
}

void *hook_watched_end(const struct watch_call *c, void *p)
{
	watch_after(c, p);
	hook_alloc(c->kind, p, c->size, c->at);
	return p;
}

void *hook_realloc_watched(realloc_function function, uint8_t kind, void *p, size_t size, const struct site *at)
{
	struct watch_call c = { .at = at, .kind = kind, .size = size, .old = p };
	void *q;

	free_check(kind, p, at);
	if (quarantine_resizes(p, at))
		function = quarantine_move;
	if (p && !size) {
		watch_release(p);
		return hook_realloc(function, kind, p, size, at);
	}
	if (!hook_watched_begin(&c))
		return NULL;
	q = hook_realloc(function, kind, p, size, at);
	watch_after(&c, q);
	return q;
}

/* ---- allocations ---- */

HOOK_IN_THREE(malloc, TRK_MALLOC, size, size, real.malloc(size), (size_t size), (size))

/*
 * For each thread, the loader keeps a table of the modules with thread-local variables, made by calloc and grown by
 * realloc. libtracker is such a module, and its entry does not count as bytes of the program.
 */
enum { TABLE_ENTRY = 16,
       TABLE_HEAD = 2 };

static inline bool is_loader(uintptr_t pc)
{
	return pc - state.loader < state.loader_bytes;
}

/* The loader takes nothing else of that size from calloc. */
static inline size_t table_share(size_t piece, uintptr_t pc)
{
	return unlikely(piece == TABLE_ENTRY && is_loader(pc)) ? TABLE_ENTRY : 0;
}

/* Nor does it take anything else from realloc with the table's length in front, which is less than the new one. */
static size_t grown_table_share(const void *table, size_t size)
{
	size_t length;

	if (size % TABLE_ENTRY || size <= TABLE_HEAD * TABLE_ENTRY)
		return 0;
	memcpy(&length, table, sizeof(length));
	return length < size / TABLE_ENTRY - TABLE_HEAD ? TABLE_ENTRY : 0;
}

HOOK_IN_THREE(calloc, TRK_CALLOC, n *size - table_share(size, at_.pc), hook_product(n, size), real.calloc(n, size), (size_t n, size_t size), (n, size))

/* C11 asks for a size that is a multiple of the alignment; most C libraries take any. */
static __attribute__((noinline, cold)) void *odd_aligned_alloc(size_t align, size_t size)
{
	const struct site at = SITE_HERE();
	struct watch_call c = { .at = &at, .kind = TRK_ALIGNED_ALLOC, .size = size };
	uintptr_t outer;
	void *p;

	if (unlikely(start_is_held()) && !hook_watched_begin(&c))
		return NULL;
	outer = hook_enter_real(at.sp);
	p = real.aligned_alloc(align, size);
	hook_leave_real(outer);
	if (unlikely(start_is_held()))
		watch_after(&c, p);
	hook_alloc(TRK_ALIGNED_ALLOC, p, size, &at);
	hook_request(TRK_ALIGNED_ALLOC, p, size, align, &at);
	return p;
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
	if (unlikely(!hook_start_by_allocation()))
		return real.aligned_alloc(align, size);
	if (unlikely(align && size % align))
		return odd_aligned_alloc(align, size);
	HOOK_ALLOC(TRK_ALIGNED_ALLOC, size, size, align, real.aligned_alloc(align, size));
}

EXPORT void *memalign(size_t align, size_t size)
{
	if (unlikely(!hook_start_by_allocation()))
		return real.memalign(align, size);
	HOOK_ALLOC(TRK_MEMALIGN, size, size, align, real.memalign(align, size));
}

EXPORT void *valloc(size_t size)
{
	if (unlikely(!hook_start_by_allocation()))
		return real.valloc(size);
	HOOK_ALLOC(TRK_VALLOC, size, size, 0, real.valloc(size));
}

EXPORT void *pvalloc(size_t size)
{
	if (unlikely(!hook_start_by_allocation()))
		return real.pvalloc(size);
	HOOK_ALLOC(TRK_PVALLOC, size, size, 0, real.pvalloc(size));
}

static int posix_memalign_watched(void **ret, size_t align, size_t size, const struct site *at)
{
	struct watch_call c = { .at = at, .kind = TRK_POSIX_MEMALIGN, .size = size };
	uintptr_t outer;
	int err;

	if (!watch_before(&c))
		return ENOMEM;
	outer = hook_enter_real(at->sp);
	err = real.posix_memalign(ret, align, size);
	hook_leave_real(outer);
	if (err)
		hook_request(TRK_POSIX_MEMALIGN, NULL, size, align, at);
	(void)hook_watched_end(&c, err == 0 ? *ret : NULL);
	return err;
}

EXPORT int posix_memalign(void **ret, size_t align, size_t size)
{
	if (unlikely(!hook_start_by_allocation()))
		return real.posix_memalign(ret, align, size);

	const struct site at = SITE_HERE();
	uintptr_t outer;
	int err;

	if (unlikely(start_is_held()))
		return posix_memalign_watched(ret, align, size, &at);
	outer = hook_enter_real(at.sp);
	err = real.posix_memalign(ret, align, size);
	hook_leave_real(outer);
	if (err == 0)
		hook_alloc(TRK_POSIX_MEMALIGN, *ret, size, &at);
	else
		hook_request(TRK_POSIX_MEMALIGN, NULL, size, align, &at);
	return err;
}

/* ---- releases ---- */

bool hook_look_at_release(uint8_t kind, void *p, struct site at)
{
	watch_release(p);
	free_check(kind, p, &at);
	free_tell(p, &at);
	return quarantine_release(kind, p, &at);
}

static void release_sized(void *p, size_t size)
{
	if (real.free_sized)
		real.free_sized(p, size);
	else
		real.free(p);
}

static void release_aligned_sized(void *p, size_t align, size_t size)
{
	if (real.free_aligned_sized)
		real.free_aligned_sized(p, align, size);
	else
		real.free(p);
}

/* In three functions: HOOK_IN_THREE. */
static __attribute__((noinline)) void record_free(void *p)
{
	const struct site at = SITE_HERE();
	uintptr_t outer;

	if (!p)
		return;
	hook_release(TRK_FREE, p, at.sp);
	outer = hook_enter_real(at.sp);
	real.free(p);
	hook_leave_real(outer);
}

static __attribute__((noinline, cold)) void ask_free(void *p)
{
	const struct site at = SITE_HERE();
	uintptr_t outer;

	RELEASE_OR_PASS(TRK_FREE, real.free(p));
	hook_release(TRK_FREE, p, at.sp);
	outer = hook_enter_real(at.sp);
	real.free(p);
	hook_leave_real(outer);
}

EXPORT void free(void *p)
{
	if (likely(!start_held))
		record_free(p);
	else if (likely(start_is_at_rest()))
		real.free(p);
	else
		ask_free(p);
}

EXPORT void cfree(void *p);
EXPORT void cfree(void *p)
{
	const struct site at = SITE_HERE();
	uintptr_t outer;

	RELEASE_OR_PASS(TRK_CFREE, real.free(p));
	hook_release(TRK_CFREE, p, at.sp);
	outer = hook_enter_real(at.sp);
	real.free(p);
	hook_leave_real(outer);
}

EXPORT void free_sized(void *p, size_t size);
EXPORT void free_sized(void *p, size_t size)
{
	const struct site at = SITE_HERE();
	uintptr_t outer;

	RELEASE_OR_PASS(TRK_FREE_SIZED, release_sized(p, size));
	hook_release(TRK_FREE_SIZED, p, at.sp);
	outer = hook_enter_real(at.sp);
	release_sized(p, size);
	hook_leave_real(outer);
}

EXPORT void free_aligned_sized(void *p, size_t align, size_t size);
EXPORT void free_aligned_sized(void *p, size_t align, size_t size)
{
	const struct site at = SITE_HERE();
	uintptr_t outer;

	RELEASE_OR_PASS(TRK_FREE_ALIGNED_SIZED, release_aligned_sized(p, align, size));
	hook_release(TRK_FREE_ALIGNED_SIZED, p, at.sp);
	outer = hook_enter_real(at.sp);
	release_aligned_sized(p, align, size);
	hook_leave_real(outer);
}

/* ---- realloc ---- */

/*
 * The same when not all blocks are recorded: the old block may be recorded, the new one, both or none. The old
 * address must be forgotten before the allocator can give it to another thread.
 */
static void *resize_sampled(realloc_function function, uint8_t kind, void *p, size_t size, const struct site *at)
{
	const bool known = sample_forget((uintptr_t)p, at->sp);
	struct thread *t = known ? thread_enter_heap(at->sp) : NULL;
	bool begun = false, skipped;
	uintptr_t outer;
	void *q;

	if (t) {
		sample_tell(t);
		begun = send_realloc_begin(t, kind, (uintptr_t)p);
		thread_leave(t);
	}
	outer = hook_enter_real(at->sp);
	q = function(p, size);
	hook_leave_real(outer);
	if (!q && known)
		sample_add((uintptr_t)p);
	skipped = q && sample_skip(size, at->sp);
	if (q && !skipped)
		sample_add((uintptr_t)q);
	if ((!begun && (!q || skipped)) || !(t = thread_enter_heap(at->sp)))
		return q;
	if (skipped)
		send_realloc_freed(t, kind);
	else if (begun)
		send_realloc_end(t, kind, (uintptr_t)q, size, at);
	else
		send_alloc(t, kind, (uintptr_t)q, size, at);
	thread_leave(t);
	return q;
}

/* One realloc of a live block, of a size that is not 0. */
static void *resize(realloc_function function, uint8_t kind, void *p, size_t size, const struct site *at)
{
	if (unlikely(state.sample_bytes))
		return resize_sampled(function, kind, p, size, at);

	const size_t ours = unlikely(is_loader(at->pc)) ? grown_table_share(p, size) : 0;
	struct thread *t = thread_enter_heap(at->sp);
	const bool begun = t && send_realloc_begin(t, kind, (uintptr_t)p);
	uintptr_t outer;
	void *q;

	if (t)
		thread_leave(t);
	outer = hook_enter_real(at->sp);
	q = function(p, size);
	hook_leave_real(outer);
	if (begun && (t = thread_enter_heap(at->sp))) {
		send_realloc_end(t, kind, (uintptr_t)q, size - ours, at);
		thread_leave(t);
	}
	return q;
}

/* A call that failed, and of which no begin was sent. */
static void resize_failed(uint8_t kind, void *p, size_t size, const struct site *at)
{
	struct thread *const t = thread_enter_heap(at->sp);

	if (!t)
		return;
	if (send_realloc_begin(t, kind, (uintptr_t)p))
		send_realloc_end(t, kind, 0, size, at);
	thread_leave(t);
}

/*
 * Size 0: glibc frees the block and returns NULL; other allocators return a block of no size. The release must be
 * recorded before the call, so the hook records what this allocator does.
 */
static void *resize_to_nothing(realloc_function function, uint8_t kind, void *p, const struct site *at)
{
	uintptr_t outer;
	void *q;

	hook_release(TRK_FREE, p, at->sp);
	outer = hook_enter_real(at->sp);
	q = function(p, 0);
	hook_leave_real(outer);
	hook_alloc(kind, q, 0, at);
	return q;
}

void *hook_realloc(realloc_function function, uint8_t kind, void *p, size_t size, const struct site *at)
{
	uintptr_t outer;
	void *q;

	if (p && size)
		return resize(function, kind, p, size, at);
	if (p)
		return resize_to_nothing(function, kind, p, at);
	outer = hook_enter_real(at->sp);
	q = function(NULL, size);
	hook_leave_real(outer);
	if (likely(q || !size))
		hook_alloc(kind, q, size, at);
	else
		resize_failed(kind, NULL, size, at);
	return q;
}

EXPORT void *realloc(void *p, size_t size)
{
	if (start_is_at_rest() || unlikely(!hook_start_by_allocation()))
		return real.realloc(p, size);

	const struct site at = SITE_HERE();

	if (unlikely(start_is_held()))
		return hook_realloc_watched(real.realloc, TRK_REALLOC, p, size, &at);
	return hook_realloc(real.realloc, TRK_REALLOC, p, size, &at);
}

/* More bytes than there are numbers for. */
static void *too_many(void *p, const struct site *at)
{
	if (hook_start_and_ask())
		resize_failed(TRK_REALLOCARRAY, p, SIZE_MAX, at);
	errno = ENOMEM;
	return NULL;
}

EXPORT void *reallocarray(void *p, size_t n, size_t size)
{
	if (unlikely(size && n > SIZE_MAX / size)) {
		const struct site at = SITE_HERE();

		return too_many(p, &at);
	}
	if (unlikely(!hook_start_by_allocation()))
		return real.realloc(p, n * size);

	const struct site at = SITE_HERE();

	if (unlikely(start_is_held()))
		return hook_realloc_watched(real.realloc, TRK_REALLOCARRAY, p, n * size, &at);
	return hook_realloc(real.realloc, TRK_REALLOCARRAY, p, n * size, &at);
}

EXPORT size_t malloc_usable_size(void *p)
{
	hook_start();
	return real.malloc_usable_size(p);
}
