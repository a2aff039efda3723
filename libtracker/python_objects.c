/*
 * python_objects - each object of Python, where CPython runs already: the functions that it takes objects from and gives them back to are
 * replaced by ours, which call them, and record what they do as malloc's own hooks do.
 *
 * What the real functions do meanwhile is not the program's: neither arenas nor what is too large for them is recorded a second time. So
 * nothing is counted twice, and a block that one of both has seen may end by the other.
 *
 * CPython calls all of them with its lock held. Only the functions change in its table, and what stands beside them stays: whichever of
 * them a thread of another interpreter finds, they fit together. They are taken out by the first object after the end of the recording, because
 * the thread that ends it does not have the lock. If another tool's functions stand there by then, and call ours, they stay and pass on.
 */
#include "python_private.h"

#include "chunk.h"
#include "hook.h"
#include "raw.h"

#define RAW 0u /* CPython's numbers of what it allocates for */

static bool records(const struct python *p)
{
	return state.on && p->objects_recording == state.recording && atomic_load_explicit(&p->objects, memory_order_relaxed) == PYTHON_OBJECTS_OURS;
}

/* ---- in the place of CPython's functions ---- */

static void restore(struct python *p);

/* The real functions of a kind of memory, and whether what they do is recorded. */
static const struct python_allocator *real_of(unsigned memory, bool *ret_records)
{
	struct python *const p = state.python;

	*ret_records = records(p);
	if (unlikely(!*ret_records) && atomic_load_explicit(&p->objects, memory_order_relaxed) == PYTHON_OBJECTS_OURS)
		restore(p);
	return &p->real[memory];
}

static void *take(unsigned memory, void *context, size_t size, const struct site *at)
{
	bool recorded;
	const struct python_allocator *const a = real_of(memory, &recorded);
	uintptr_t outer;
	void *p;

	if (!recorded)
		return a->malloc(context, size);
	outer = hook_mark_real(at->sp);
	p = a->malloc(context, size);
	hook_leave_real(outer);
	hook_alloc(TRK_MALLOC, p, size, at);
	if (unlikely(!p))
		hook_request(TRK_MALLOC, NULL, size, 0, at);
	return p;
}

static void *take_zeroed(unsigned memory, void *context, size_t n, size_t size, const struct site *at)
{
	bool recorded;
	const struct python_allocator *const a = real_of(memory, &recorded);
	uintptr_t outer;
	void *p;

	if (!recorded)
		return a->calloc(context, n, size);
	outer = hook_mark_real(at->sp);
	p = a->calloc(context, n, size);
	hook_leave_real(outer);
	hook_alloc(TRK_CALLOC, p, n * size, at);
	if (unlikely(!p))
		hook_request(TRK_CALLOC, NULL, hook_product(n, size), 0, at);
	return p;
}

static void *resize(unsigned memory, void *p, size_t size)
{
	const struct python_allocator *const a = &state.python->real[memory];
	const uintptr_t outer = hook_mark_real((uintptr_t)__builtin_frame_address(0));
	void *const q = a->realloc(a->context, p, size);

	hook_leave_real(outer);
	return q;
}

/* As hook_realloc wants them. */
static void *resize_mem(void *p, size_t size)
{
	return resize(PYTHON_MEM, p, size);
}

static void *resize_object(void *p, size_t size)
{
	return resize(PYTHON_OBJECT, p, size);
}

static void *change(unsigned memory, void *context, void *p, size_t size, const struct site *at)
{
	bool recorded;
	const struct python_allocator *const a = real_of(memory, &recorded);

	if (!recorded)
		return a->realloc(context, p, size);
	return hook_realloc(memory == PYTHON_MEM ? resize_mem : resize_object, TRK_REALLOC, p, size, at);
}

/* Whether the thread's last event, which came after `before`, is the end of p. */
static bool was_told(const uint8_t *before, const void *p)
{
	const struct thread *const t = tls.threads[0];

	return t && t->at != before && t->last.address == (uintptr_t)p;
}

/*
 * Here hooks do record what the real function does: a block of malloc's, or an arena that was mapped before the objects were seen.
 * Nobody else gets the object's memory before the thread gives up CPython's lock, so its end may be told afterwards.
 */
static void give_back(unsigned memory, void *context, void *p, const struct site *at)
{
	bool recorded;
	const struct python_allocator *const a = real_of(memory, &recorded);
	const uint8_t *const before = tls.threads[0] ? tls.threads[0]->at : NULL;

	a->free(context, p);
	if (recorded && p && !was_told(before, p))
		hook_release(TRK_FREE, p, at->sp);
}

#define FUNCTIONS(name, memory)                                                                    \
	static __attribute__((noinline)) void *name##_malloc(void *context, size_t size)           \
	{                                                                                          \
		const struct site at = SITE_HERE();                                                \
                                                                                                   \
		return take(memory, context, size, &at);                                           \
	}                                                                                          \
                                                                                                   \
	static __attribute__((noinline)) void *name##_calloc(void *context, size_t n, size_t size) \
	{                                                                                          \
		const struct site at = SITE_HERE();                                                \
                                                                                                   \
		return take_zeroed(memory, context, n, size, &at);                                 \
	}                                                                                          \
                                                                                                   \
	static __attribute__((noinline)) void *name##_realloc(void *context, void *p, size_t size) \
	{                                                                                          \
		const struct site at = SITE_HERE();                                                \
                                                                                                   \
		return change(memory, context, p, size, &at);                                      \
	}                                                                                          \
                                                                                                   \
	static __attribute__((noinline)) void name##_free(void *context, void *p)                  \
	{                                                                                          \
		const struct site at = SITE_HERE();                                                \
                                                                                                   \
		give_back(memory, context, p, &at);                                                \
	}

FUNCTIONS(mem, PYTHON_MEM)
FUNCTIONS(object, PYTHON_OBJECT)

/* ---- CPython's table ---- */

static bool is_ours(const struct python_allocator *a)
{
	return a->malloc == mem_malloc || a->malloc == object_malloc;
}

static bool are_same(const struct python_allocator *a, const struct python_allocator *b)
{
	return a->malloc == b->malloc && a->context == b->context;
}

/*
 * Functions that look for errors (PYTHONMALLOC=debug, -X dev) give another address than those below them. They keep their letter, 'm' or
 * 'o', where others keep the functions below them.
 */
static bool look_for_errors(const struct python_allocator *a)
{
	const uintptr_t context = (uintptr_t)a->context;

	return context && (context % sizeof(uintptr_t) || !raw_is_readable(context) || (python_word(context) && python_word(context) < 256));
}

static void put(struct python *p, unsigned memory, bool ours)
{
	struct python_allocator a = p->real[memory];

	if (ours && memory == PYTHON_MEM)
		a = (struct python_allocator){ a.context, mem_malloc, mem_calloc, mem_realloc, mem_free };
	else if (ours)
		a = (struct python_allocator){ a.context, object_malloc, object_calloc, object_realloc, object_free };
	p->set_allocator((int)memory, &a);
}

/* Called by the first object after the recording. */
static void restore(struct python *p)
{
	uint8_t ours = PYTHON_OBJECTS_OURS;
	struct python_allocator mem, object;

	if (!atomic_compare_exchange_strong(&p->objects, &ours, PYTHON_OBJECTS_CHANGING))
		return;
	p->objects_recording = 0; /* it may go on, and ask for them again */
	p->get_allocator(PYTHON_MEM, &mem);
	p->get_allocator(PYTHON_OBJECT, &object);
	if (is_ours(&mem))
		put(p, PYTHON_MEM, false);
	if (is_ours(&object))
		put(p, PYTHON_OBJECT, false);
	atomic_store(&p->objects, is_ours(&mem) && is_ours(&object) ? PYTHON_OBJECTS_THEIRS : PYTHON_OBJECTS_LEFT);
}

static void refuse(void)
{
	atomic_fetch_or(&state.process->notices, SHM_NOTICE_PYTHON_ARENAS);
}

/* *ret: what the state is from now on. False: nothing is recorded of objects. */
static bool replace(struct python *p, uint8_t was, uint8_t *ret)
{
	struct python_allocator raw, mem, object;

	p->get_allocator(RAW, &raw);
	p->get_allocator(PYTHON_MEM, &mem);
	p->get_allocator(PYTHON_OBJECT, &object);
	*ret = is_ours(&mem) && is_ours(&object) ? PYTHON_OBJECTS_OURS : was;
	if (*ret == PYTHON_OBJECTS_OURS || are_same(&raw, &object)) /* malloc: each object is recorded as it is */
		return true;
	/* ours may be below another tool's, which would call them for ever if they were above it, too */
	if (was != PYTHON_OBJECTS_THEIRS || is_ours(&mem) || is_ours(&object) || look_for_errors(&object) || look_for_errors(&mem))
		return false;
	p->real[PYTHON_MEM] = mem;
	p->real[PYTHON_OBJECT] = object;
	atomic_thread_fence(memory_order_seq_cst);
	put(p, PYTHON_MEM, true);
	put(p, PYTHON_OBJECT, true);
	*ret = PYTHON_OBJECTS_OURS;
	return true;
}

void python_objects_begin(struct thread *t, struct python *p)
{
	uint8_t was = atomic_load(&p->objects), is;

	if (was == PYTHON_OBJECTS_CHANGING || !chunk_may_call(t) || !atomic_compare_exchange_strong(&p->objects, &was, PYTHON_OBJECTS_CHANGING))
		return;
	p->objects_recording = state.recording;
	is = was;
	if (!p->get_allocator || !p->set_allocator || !replace(p, was == PYTHON_OBJECTS_OURS ? PYTHON_OBJECTS_LEFT : was, &is))
		refuse();
	t->objects_began = is == PYTHON_OBJECTS_OURS;
	atomic_store(&p->objects, is);
}

void python_want_objects(bool want)
{
	if (want)
		__atomic_fetch_or(&state.shm->header.flags, SHM_PYTHON_OBJECTS, __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_and(&state.shm->header.flags, ~SHM_PYTHON_OBJECTS, __ATOMIC_SEQ_CST);
	if (!want && state.python)
		state.python->objects_recording = 0;
}
