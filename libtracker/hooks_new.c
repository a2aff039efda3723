/*
 * hooks_new - the twenty replaceable operators new and delete, one event each.
 *
 * libstdc++'s and libc++'s own operators are malloc and free under another
 * name, so the hook takes that way itself: the call is recorded once, as the
 * operator, and no exception ever leaves through a hook that is not done. Only
 * when memory runs out is the real operator called, plainly, to run the new
 * handler and to throw. Operators of another allocator (jemalloc, tcmalloc) are
 * called themselves.
 */
#include <dlfcn.h>
#include <link.h>
#include <string.h>

#include "cfi.h"
#include "hook.h"

enum operator_id {
	NEW, NEW_ARRAY, NEW_NOTHROW, NEW_ARRAY_NOTHROW,
	NEW_ALIGNED, NEW_ARRAY_ALIGNED, NEW_ALIGNED_NOTHROW, NEW_ARRAY_ALIGNED_NOTHROW,
	DELETE, DELETE_ARRAY, OPERATORS,
};

static const char *const names[OPERATORS] = {
	[NEW] = "_Znwm",
	[NEW_ARRAY] = "_Znam",
	[NEW_NOTHROW] = "_ZnwmRKSt9nothrow_t",
	[NEW_ARRAY_NOTHROW] = "_ZnamRKSt9nothrow_t",
	[NEW_ALIGNED] = "_ZnwmSt11align_val_t",
	[NEW_ARRAY_ALIGNED] = "_ZnamSt11align_val_t",
	[NEW_ALIGNED_NOTHROW] = "_ZnwmSt11align_val_tRKSt9nothrow_t",
	[NEW_ARRAY_ALIGNED_NOTHROW] = "_ZnamSt11align_val_tRKSt9nothrow_t",
	[DELETE] = "_ZdlPv",
	[DELETE_ARRAY] = "_ZdaPv",
};

/* What stands behind an operator; written once, by whoever comes first. */
enum { UNKNOWN, PLAIN /* malloc and free under another name */, OWN };
static struct {
	_Atomic(void *) function;
	_Atomic int nature;
} operators[OPERATORS];

static bool is_plain(const void *function)
{
	struct cfi_module m;
	const char *name;

	if (!function || !cfi_module_at((uintptr_t)function, &m) || !m.link_map)
		return true;
	name = ((const struct link_map *)m.link_map)->l_name;
	return name && (strstr(name, "libstdc++.so") || strstr(name, "libc++.so") ||
			strstr(name, "libc++abi.so"));
}

/*
 * The real operator for this caller: the next one in the global scope, or, when
 * a C program loaded C++ privately, the one in the caller's own scope.
 */
static int look_up(enum operator_id id, uintptr_t caller)
{
	void *function = dlsym(RTLD_NEXT, names[id]);
	struct cfi_module m;
	int nature;

	if (!function && cfi_module_at(caller, &m) && m.link_map)
		function = dlsym((void *)m.link_map, names[id]);
	nature = is_plain(function) ? PLAIN : OWN;
	atomic_store(&operators[id].function, function);
	atomic_store_explicit(&operators[id].nature, nature, memory_order_release);
	return nature;
}

static inline int nature_of(enum operator_id id, uintptr_t caller)
{
	const int known = atomic_load_explicit(&operators[id].nature, memory_order_acquire);

	return likely(known != UNKNOWN) ? known : look_up(id, caller);
}

/* ---- new ---- */

struct request {
	size_t size, align; /* align 0: default */
	const void *nothrow; /* the tag, or NULL */
	enum operator_id id;
	uint8_t kind;
};

static void *call_real(enum operator_id id, size_t size, size_t align, const void *nothrow)
{
	void *const f = atomic_load(&operators[id].function);

	if (!f)
		return NULL;
	if (align && nothrow)
		return ((void *(*)(size_t, size_t, const void *))f)(size, align, nothrow);
	if (align)
		return ((void *(*)(size_t, size_t))f)(size, align);
	if (nothrow)
		return ((void *(*)(size_t, const void *))f)(size, nothrow);
	return ((void *(*)(size_t))f)(size);
}

static void *plain_alloc(size_t size, size_t align)
{
	if (!align)
		return real.malloc(size ? size : 1);
	if (align < sizeof(void *))
		align = sizeof(void *);
	if (size > SIZE_MAX - align)
		return NULL;
	size = size ? (size + align - 1) & ~(align - 1) : align;
	return real.aligned_alloc(align, size);
}

/* Never throws: another allocator's operator is asked for its nothrow form. */
static void *try_alloc(const struct request *r, uintptr_t caller)
{
	static const char tag; /* std::nothrow_t is empty: nobody reads it */
	const enum operator_id form = r->nothrow ? r->id : r->id + NEW_NOTHROW;

	if (nature_of(r->id, caller) == PLAIN)
		return plain_alloc(r->size, r->align);
	(void)nature_of(form, caller);
	return call_real(form, r->size, r->align, r->nothrow ? r->nothrow : &tag);
}

static void *allocate(const struct request *r, const struct site *at)
{
	const uintptr_t outer = hook_enter_real(at->sp);
	void *const p = try_alloc(r, at->pc);

	hook_leave_real(outer);
	if (unlikely(!p))
		return call_real(r->id, r->size, r->align, r->nothrow);
	hook_alloc(r->kind, p, r->size, at);
	return p;
}

#define OPERATOR_NEW(name, symbol, params, ...)                                                    \
	EXPORT void *name params __asm__(symbol);                                                  \
	EXPORT void *name params                                                                   \
	{                                                                                          \
		const struct site at = SITE_HERE();                                                \
		const struct request r = { .size = size, __VA_ARGS__ };                            \
                                                                                                   \
		if (unlikely(!hook_ready()))                                                       \
			return bootstrap_alloc(16, size);                                          \
		return allocate(&r, &at);                                                          \
	}

OPERATOR_NEW(new_one, "_Znwm", (size_t size), .id = NEW, .kind = TRK_NEW)
OPERATOR_NEW(new_array, "_Znam", (size_t size), .id = NEW_ARRAY, .kind = TRK_NEW_ARRAY)
OPERATOR_NEW(new_nothrow, "_ZnwmRKSt9nothrow_t", (size_t size, const void *tag), .id = NEW_NOTHROW,
	     .kind = TRK_NEW, .nothrow = tag)
OPERATOR_NEW(new_array_nothrow, "_ZnamRKSt9nothrow_t", (size_t size, const void *tag),
	     .id = NEW_ARRAY_NOTHROW, .kind = TRK_NEW_ARRAY, .nothrow = tag)
OPERATOR_NEW(new_aligned, "_ZnwmSt11align_val_t", (size_t size, size_t alignment), .id = NEW_ALIGNED,
	     .kind = TRK_NEW, .align = alignment)
OPERATOR_NEW(new_array_aligned, "_ZnamSt11align_val_t", (size_t size, size_t alignment),
	     .id = NEW_ARRAY_ALIGNED, .kind = TRK_NEW_ARRAY, .align = alignment)
OPERATOR_NEW(new_aligned_nothrow, "_ZnwmSt11align_val_tRKSt9nothrow_t",
	     (size_t size, size_t alignment, const void *tag), .id = NEW_ALIGNED_NOTHROW,
	     .kind = TRK_NEW, .align = alignment, .nothrow = tag)
OPERATOR_NEW(new_array_aligned_nothrow, "_ZnamSt11align_val_tRKSt9nothrow_t",
	     (size_t size, size_t alignment, const void *tag), .id = NEW_ARRAY_ALIGNED_NOTHROW,
	     .kind = TRK_NEW_ARRAY, .align = alignment, .nothrow = tag)

/* ---- delete ---- */

static void release(uint8_t kind, enum operator_id id, void *p, const struct site *at)
{
	struct thread *t;
	uintptr_t outer;

	if (!p || bootstrap_owns(p) || unlikely(!hook_ready()))
		return;
	t = thread_enter(at->sp);
	if (t) {
		emit_free(t, kind, (uintptr_t)p);
		thread_leave(t);
	}
	outer = hook_enter_real(at->sp);
	if (nature_of(id, at->pc) == PLAIN)
		real.free(p);
	else
		((void (*)(void *))atomic_load(&operators[id].function))(p);
	hook_leave_real(outer);
}

/* Sizes and alignments are hints that no allocator behind plain delete needs. */
#define OPERATOR_DELETE(name, symbol, params, kind, id)                                            \
	EXPORT void name params __asm__(symbol);                                                   \
	EXPORT void name params                                                                    \
	{                                                                                          \
		const struct site at = SITE_HERE();                                                \
                                                                                                   \
		release(kind, id, p, &at);                                                         \
	}

OPERATOR_DELETE(delete_one, "_ZdlPv", (void *p), TRK_DELETE, DELETE)
OPERATOR_DELETE(delete_array, "_ZdaPv", (void *p), TRK_DELETE_ARRAY, DELETE_ARRAY)
OPERATOR_DELETE(delete_sized, "_ZdlPvm", (void *p, size_t size), TRK_DELETE, DELETE)
OPERATOR_DELETE(delete_array_sized, "_ZdaPvm", (void *p, size_t size), TRK_DELETE_ARRAY,
		DELETE_ARRAY)
OPERATOR_DELETE(delete_nothrow, "_ZdlPvRKSt9nothrow_t", (void *p, const void *tag), TRK_DELETE,
		DELETE)
OPERATOR_DELETE(delete_array_nothrow, "_ZdaPvRKSt9nothrow_t", (void *p, const void *tag),
		TRK_DELETE_ARRAY, DELETE_ARRAY)
OPERATOR_DELETE(delete_aligned, "_ZdlPvSt11align_val_t", (void *p, size_t align), TRK_DELETE,
		DELETE)
OPERATOR_DELETE(delete_array_aligned, "_ZdaPvSt11align_val_t", (void *p, size_t align),
		TRK_DELETE_ARRAY, DELETE_ARRAY)
OPERATOR_DELETE(delete_sized_aligned, "_ZdlPvmSt11align_val_t", (void *p, size_t size, size_t align),
		TRK_DELETE, DELETE)
OPERATOR_DELETE(delete_array_sized_aligned, "_ZdaPvmSt11align_val_t",
		(void *p, size_t size, size_t align), TRK_DELETE_ARRAY, DELETE_ARRAY)
OPERATOR_DELETE(delete_aligned_nothrow, "_ZdlPvSt11align_val_tRKSt9nothrow_t",
		(void *p, size_t align, const void *tag), TRK_DELETE, DELETE)
OPERATOR_DELETE(delete_array_aligned_nothrow, "_ZdaPvSt11align_val_tRKSt9nothrow_t",
		(void *p, size_t align, const void *tag), TRK_DELETE_ARRAY, DELETE_ARRAY)
