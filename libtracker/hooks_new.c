/*
 * hooks_new - the twenty replaceable operators new and delete, one event each.
 *
 * libstdc++'s and libc++'s own operators are malloc and free under another
 * name, so the hook takes that way itself: the call is recorded once, as the
 * operator, and no exception ever leaves through a hook that is not done. Only
 * when memory runs out is the real operator called, plainly, to run the new
 * handler and to throw. Operators of another allocator (jemalloc, tcmalloc) are
 * called themselves, and what they throw undoes what the hook has begun; so are
 * those that a plugin of a C program defines.
 */
#include <link.h>
#include <string.h>

#include "cfi.h"
#include "hook.h"
#include "symbol.h"
#include "thread.h"

enum operator_id {
	NEW,
	NEW_ARRAY,
	NEW_NOTHROW,
	NEW_ARRAY_NOTHROW,
	NEW_ALIGNED,
	NEW_ARRAY_ALIGNED,
	NEW_ALIGNED_NOTHROW,
	NEW_ARRAY_ALIGNED_NOTHROW,
	DELETE,
	DELETE_ARRAY,
	DELETE_ALIGNED,
	DELETE_ARRAY_ALIGNED,
	OPERATORS
};

/*
 * `calls`: the operator from which the C++ library makes its own. A program that replaces that one is called for both
 * names.
 */
static const struct {
	const char *name;
	enum operator_id calls;
} forms[OPERATORS] = {
	[NEW] = { "_Znwm", NEW },
	[NEW_ARRAY] = { "_Znam", NEW },
	[NEW_NOTHROW] = { "_ZnwmRKSt9nothrow_t", NEW },
	[NEW_ARRAY_NOTHROW] = { "_ZnamRKSt9nothrow_t", NEW_ARRAY },
	[NEW_ALIGNED] = { "_ZnwmSt11align_val_t", NEW_ALIGNED },
	[NEW_ARRAY_ALIGNED] = { "_ZnamSt11align_val_t", NEW_ALIGNED },
	[NEW_ALIGNED_NOTHROW] = { "_ZnwmSt11align_val_tRKSt9nothrow_t", NEW_ALIGNED },
	[NEW_ARRAY_ALIGNED_NOTHROW] = { "_ZnamSt11align_val_tRKSt9nothrow_t", NEW_ARRAY_ALIGNED },
	[DELETE] = { "_ZdlPv", DELETE },
	[DELETE_ARRAY] = { "_ZdaPv", DELETE },
	[DELETE_ALIGNED] = { "_ZdlPvSt11align_val_t", DELETE_ALIGNED },
	[DELETE_ARRAY_ALIGNED] = { "_ZdaPvSt11align_val_t", DELETE_ALIGNED },
};

/*
 * The operators that the program would call without libtracker. They are found at start; there are none if only
 * plugins bring C++.
 */
static struct {
	void *function;
	bool own; /* it is not malloc or free under another name, or it is made of an operator that is not */
} operators[OPERATORS];

/* The operator that a privately loaded module brought for itself and for the modules that it loaded. */
static _Atomic(void *) private_operators[OPERATORS];

/*
 * The malloc and free that the C++ library's operators would call. If the program has its own, these are its own,
 * because a block from there may be given back by any name.
 */
static struct {
	void *(*malloc)(size_t);
	void *(*aligned_alloc)(size_t, size_t);
	void (*free)(void *);
} plain;

static bool is_cxx_library(const struct link_map *m)
{
	const char *const name = m->l_name;

	return name && (strstr(name, "libstdc++.so") || strstr(name, "libc++.so") ||
			strstr(name, "libc++abi.so"));
}

static bool is_us(const struct cfi_module *m)
{
	return (uintptr_t)operators >= m->start && (uintptr_t)operators < m->end;
}

static void *before_or(const char *name, void *next)
{
	void *const before = symbol_before(name).address;

	return before ? before : next;
}

void operators_start(void)
{
	for (unsigned i = 0; i < OPERATORS; i++) {
		const struct symbol before = symbol_before(forms[i].name);
		const struct symbol s = before.address ? before : symbol_next(forms[i].name);

		operators[i].function = s.address;
		operators[i].own = s.address && (!is_cxx_library(s.module) || operators[forms[i].calls].own);
	}
	plain.malloc = (void *(*)(size_t))before_or("malloc", (void *)real.malloc);
	plain.aligned_alloc = (void *(*)(size_t, size_t))before_or("aligned_alloc", (void *)real.aligned_alloc);
	plain.free = (void (*)(void *))before_or("free", (void *)real.free);
}

/*
 * A C program that loaded C++ privately. The loader must look nothing up here: the thread that holds its lock may be
 * waiting for this one.
 */
static void *private_operator(enum operator_id id, uintptr_t caller)
{
	struct cfi_module m;
	void *function;

	if (!cfi_module_at(caller, &m) || !m.link_map)
		return NULL;
	if (is_cxx_library(m.link_map) || is_us(&m))
		return atomic_load_explicit(&private_operators[id], memory_order_acquire);
	function = symbol_in(m.link_map, forms[id].name);
	if (function)
		atomic_store_explicit(&private_operators[id], function, memory_order_release);
	return function;
}

void operators_unloaded(void)
{
	struct cfi_module m;

	for (unsigned i = 0; i < OPERATORS; i++) {
		void *f = atomic_load(&private_operators[i]);

		if (f && !cfi_module_at((uintptr_t)f, &m))
			atomic_compare_exchange_strong(&private_operators[i], &f, NULL);
	}
}

/* The private operator to call instead of the hook. The hook does not record it, but the malloc that it calls. */
static inline void *instead_of_us(enum operator_id id, uintptr_t caller)
{
	return likely(operators[id].function != NULL) ? NULL : private_operator(id, caller);
}

/* ---- new ---- */

struct request {
	size_t size, align; /* align 0: default */
	const void *nothrow; /* the tag, or NULL */
	enum operator_id id;
	uint8_t kind;
};

static void *call(void *f, size_t size, size_t align, const void *nothrow)
{
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
		return plain.malloc(size ? size : 1);
	if (align < sizeof(void *))
		align = sizeof(void *);
	if (size > SIZE_MAX - align)
		return NULL;
	size = size ? (size + align - 1) & ~(align - 1) : align;
	return plain.aligned_alloc(align, size);
}

/*
 * What unwinders call a function's personality. This one has no landing pad, so it needs nothing of the C++
 * library's.
 */
enum { CLEANUP_PHASE = 2,
       CONTINUE_UNWINDING = 8 };

static __attribute__((used)) int take_marks_away(int version, int actions, uint64_t class, void *exception,
						 void *context) __asm__("tracker_take_marks_away");
static int take_marks_away(int version, int actions, uint64_t class, void *exception, void *context)
{
	(void)version, (void)class, (void)exception, (void)context;
	if (actions & CLEANUP_PHASE)
		tls.real_frame = watch_tls.acting = 0;
	return CONTINUE_UNWINDING;
}

/*
 * Calls the operator of a program that replaces operators, in the form that was called, so that a new handler runs as
 * often as without libtracker. Its exception passes through this frame and removes the frame's mark; there is nothing
 * else to undo.
 */
static __attribute__((noinline, cold)) void *own_alloc(const struct request *r, const struct site *at)
{
	__asm__ volatile(".cfi_personality 0x1b, tracker_take_marks_away");
	const uintptr_t outer = hook_mark_real(at->sp);
	void *const p = call(operators[r->id].function, r->size, r->align, r->nothrow);

	hook_leave_real(outer);
	hook_alloc(r->kind, p, r->size, at);
	return p;
}

/*
 * The operator in the scope of a private module: that of the C++ library to which its other references are bound. The
 * library's new[] jumps to new, and so to the hook, as if the program had called it.
 */
static void *throwing_operator(enum operator_id id, uintptr_t caller)
{
	static _Atomic(const struct link_map *) library;
	struct cfi_module m;

	if (!cfi_module_at(caller, &m) || !m.link_map)
		return NULL;
	if (!is_us(&m))
		atomic_store(&library, is_cxx_library(m.link_map) ? m.link_map :
								    symbol_bound_to(m.link_map, is_cxx_library));
	return symbol_in(atomic_load(&library), forms[id].name);
}

/* Memory ran out: the operator that the program would have called runs the new handler and throws. */
static void *give_up(const struct request *r, uintptr_t caller)
{
	void *const f = operators[r->id].function;

	return call(f ? f : throwing_operator(r->id, caller), r->size, r->align, r->nothrow);
}

static inline uintptr_t enter_real(enum operator_id id, uintptr_t frame)
{
	return unlikely(operators[id].own) ? hook_mark_real(frame) : hook_enter_real(frame);
}

static void *allocate(const struct request *r, const struct site *at)
{
	void *const other = instead_of_us(r->id, at->pc);
	uintptr_t outer;
	void *p;

	if (unlikely(other != NULL))
		return call(other, r->size, r->align, r->nothrow);
	if (unlikely(operators[r->id].own))
		return nested_in_real(at->sp) ? call(operators[r->id].function, r->size, r->align, r->nothrow) :
						own_alloc(r, at);
	outer = hook_enter_real(at->sp);
	p = plain_alloc(r->size, r->align);
	hook_leave_real(outer);
	if (unlikely(!p)) /* the malloc that the real operator calls tells of it */
		return give_up(r, at->pc);
	hook_alloc(r->kind, p, r->size, at);
	return p;
}

/* ---- while somebody watches ---- */

/*
 * The C++ library's own function that throws std::bad_alloc. libc++ has no such function for others: its operator
 * throws when malloc cannot give that many bytes.
 */
static _Noreturn void throw_bad_alloc(const struct request *r, uintptr_t caller)
{
	void *const thrower = symbol_next("_ZSt17__throw_bad_allocv").address;

	if (thrower)
		((void (*)(void))thrower)();
	for (;;)
		(void)call(operators[r->id].function ? operators[r->id].function : throwing_operator(r->id, caller), PTRDIFF_MAX, r->align,
			   NULL);
}

/* The call is to fail as if memory had run out, and the new handler may help. True: the call is to be tried again. */
static bool fail(const struct request *r, const struct site *at)
{
	void *(*const get)(void) = (void *(*)(void))symbol_next("_ZSt15get_new_handlerv").address;
	void *const handler = get ? get() : NULL;

	if (r->nothrow)
		return false;
	if (!handler)
		throw_bad_alloc(r, at->pc);
	((void (*)(void))handler)();
	return true;
}

/*
 * The private operator is not judged, but the malloc that it calls is. An exception of an alarm passes through this frame and
 * removes its mark: the code that catches it may later run deeper on the stack than this hook did. (The personality is
 * own_alloc's, too, because ld takes two local ones for one.)
 */
static __attribute__((noinline, cold)) void *allocate_watched(const struct request *r, const struct site *at)
{
	__asm__ volatile(".cfi_personality 0x1b, tracker_take_marks_away");
	struct watch_call c = { .at = at, .kind = r->kind, .size = r->size, .may_throw = true, .nothrow = r->nothrow != NULL };
	void *p;

	if (instead_of_us(r->id, at->pc))
		return allocate(r, at);
	while (!watch_before(&c))
		if (!fail(r, at))
			return NULL;
	p = allocate(r, at);
	watch_after(&c, p);
	return p;
}

/* The operator of exactly that form behind the hook, to pass a call on to. Sanitizers have all forms. */
static void *next(_Atomic(void *) *known, const char *symbol)
{
	void *f = atomic_load_explicit(known, memory_order_relaxed);

	if (!f) {
		f = symbol_next(symbol).address;
		atomic_store_explicit(known, f, memory_order_relaxed);
	}
	return f;
}

#define OPERATOR_NEW(name, symbol, params, arguments, ...)                               \
	static _Atomic(void *) name##_behind;                                            \
	EXPORT void *name params __asm__(symbol);                                        \
	EXPORT void *name params                                                         \
	{                                                                                \
		if (unlikely(!hook_start_and_ask()))                                     \
			return ((void *(*)params)next(&name##_behind, symbol))arguments; \
                                                                                         \
		const struct site at = SITE_HERE();                                      \
		const struct request r = { .size = size, __VA_ARGS__ };                  \
                                                                                         \
		if (unlikely(start_is_held()))                                           \
			return allocate_watched(&r, &at);                                \
		return allocate(&r, &at);                                                \
	}

OPERATOR_NEW(new_one, "_Znwm", (size_t size), (size), .id = NEW, .kind = TRK_NEW)
OPERATOR_NEW(new_array, "_Znam", (size_t size), (size), .id = NEW_ARRAY, .kind = TRK_NEW_ARRAY)
OPERATOR_NEW(new_nothrow, "_ZnwmRKSt9nothrow_t", (size_t size, const void *tag), (size, tag), .id = NEW_NOTHROW,
	     .kind = TRK_NEW, .nothrow = tag)
OPERATOR_NEW(new_array_nothrow, "_ZnamRKSt9nothrow_t", (size_t size, const void *tag), (size, tag),
	     .id = NEW_ARRAY_NOTHROW, .kind = TRK_NEW_ARRAY, .nothrow = tag)
OPERATOR_NEW(new_aligned, "_ZnwmSt11align_val_t", (size_t size, size_t alignment), (size, alignment), .id = NEW_ALIGNED,
	     .kind = TRK_NEW, .align = alignment)
OPERATOR_NEW(new_array_aligned, "_ZnamSt11align_val_t", (size_t size, size_t alignment), (size, alignment),
	     .id = NEW_ARRAY_ALIGNED, .kind = TRK_NEW_ARRAY, .align = alignment)
OPERATOR_NEW(new_aligned_nothrow, "_ZnwmSt11align_val_tRKSt9nothrow_t",
	     (size_t size, size_t alignment, const void *tag), (size, alignment, tag), .id = NEW_ALIGNED_NOTHROW,
	     .kind = TRK_NEW, .align = alignment, .nothrow = tag)
OPERATOR_NEW(new_array_aligned_nothrow, "_ZnamSt11align_val_tRKSt9nothrow_t",
	     (size_t size, size_t alignment, const void *tag), (size, alignment, tag), .id = NEW_ARRAY_ALIGNED_NOTHROW,
	     .kind = TRK_NEW_ARRAY, .align = alignment, .nothrow = tag)

/* ---- delete ---- */

static void release(uint8_t kind, enum operator_id id, void *p, size_t align, const struct site *at)
{
	uintptr_t outer;
	void *other;

	other = instead_of_us(id, at->pc);
	if (unlikely(other != NULL)) {
		((void (*)(void *))other)(p);
		return;
	}
	hook_release(kind, p, at->sp);
	outer = enter_real(id, at->sp);
	if (likely(!operators[id].own))
		plain.free(p);
	else if (align)
		((void (*)(void *, size_t))operators[id].function)(p, align);
	else
		((void (*)(void *))operators[id].function)(p);
	hook_leave_real(outer);
}

/* Sizes are hints that no allocator behind plain delete needs. */
#define OPERATOR_DELETE(name, symbol, params, arguments, kind, id, align)                   \
	static _Atomic(void *) name##_behind;                                               \
	EXPORT void name params __asm__(symbol);                                            \
	EXPORT void name params                                                             \
	{                                                                                   \
		if (!p)                                                                     \
			return;                                                             \
		if (likely(hook_start_and_ask())) {                                         \
			const struct site at = SITE_HERE();                                 \
                                                                                            \
			if (unlikely(start_is_held()) && hook_look_at_release(kind, p, at)) \
				return;                                                     \
                                                                                            \
			release(kind, id, p, align, &at);                                   \
		} else {                                                                    \
			((void(*) params)next(&name##_behind, symbol)) arguments;           \
		}                                                                           \
	}

OPERATOR_DELETE(delete_one, "_ZdlPv", (void *p), (p), TRK_DELETE, DELETE, 0)
OPERATOR_DELETE(delete_array, "_ZdaPv", (void *p), (p), TRK_DELETE_ARRAY, DELETE_ARRAY, 0)
OPERATOR_DELETE(delete_sized, "_ZdlPvm", (void *p, size_t size), (p, size), TRK_DELETE, DELETE, 0)
OPERATOR_DELETE(delete_array_sized, "_ZdaPvm", (void *p, size_t size), (p, size), TRK_DELETE_ARRAY,
		DELETE_ARRAY, 0)
OPERATOR_DELETE(delete_nothrow, "_ZdlPvRKSt9nothrow_t", (void *p, const void *tag), (p, tag), TRK_DELETE,
		DELETE, 0)
OPERATOR_DELETE(delete_array_nothrow, "_ZdaPvRKSt9nothrow_t", (void *p, const void *tag), (p, tag),
		TRK_DELETE_ARRAY, DELETE_ARRAY, 0)
OPERATOR_DELETE(delete_aligned, "_ZdlPvSt11align_val_t", (void *p, size_t align), (p, align), TRK_DELETE,
		DELETE_ALIGNED, align)
OPERATOR_DELETE(delete_array_aligned, "_ZdaPvSt11align_val_t", (void *p, size_t align), (p, align),
		TRK_DELETE_ARRAY, DELETE_ARRAY_ALIGNED, align)
OPERATOR_DELETE(delete_sized_aligned, "_ZdlPvmSt11align_val_t", (void *p, size_t size, size_t align), (p, size, align),
		TRK_DELETE, DELETE_ALIGNED, align)
OPERATOR_DELETE(delete_array_sized_aligned, "_ZdaPvmSt11align_val_t",
		(void *p, size_t size, size_t align), (p, size, align), TRK_DELETE_ARRAY, DELETE_ARRAY_ALIGNED, align)
OPERATOR_DELETE(delete_aligned_nothrow, "_ZdlPvSt11align_val_tRKSt9nothrow_t",
		(void *p, size_t align, const void *tag), (p, align, tag), TRK_DELETE, DELETE_ALIGNED, align)
OPERATOR_DELETE(delete_array_aligned_nothrow, "_ZdaPvSt11align_val_tRKSt9nothrow_t",
		(void *p, size_t align, const void *tag), (p, align, tag), TRK_DELETE_ARRAY, DELETE_ARRAY_ALIGNED, align)
