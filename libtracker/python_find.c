/*
 * python_find - recognises CPython by what a module itself defines, whatever its name: the program, a library, static or shared, stripped
 * or not.
 *
 * The first one in a process is read; another one beside it is not. What it is not to be read by (an unknown version, a debug build)
 * is said to the recorder, and nothing of it is touched.
 */
#include "python_private.h"

#include <link.h>
#include <string.h>

#include "contexts.h"
#include "raw.h"
#include "symbol.h"

void python_say(unsigned minor, enum trk_python what)
{
	if (state.process)
		atomic_store_explicit(&state.process->python, (uint32_t)minor << 8 | what, memory_order_relaxed);
}

/* ---- the version ---- */

/* Up to 3.10 the version is in no variable; but each version has functions that the one before had not. 0: it is older, or unknown. */
static unsigned minor_by_functions(const void *link_map)
{
	static const struct {
		char name[28]; /* no pointer: that would be data which the loader writes */
		unsigned minor;
	} since[] = {
		{ "Py_NewRef", 10 },
		{ "PyFrame_GetCode", 9 },
		{ "PyCode_NewWithPosOnlyArgs", 8 },
	};

	for (size_t i = 0; i < sizeof(since) / sizeof(since[0]); i++)
		if (symbol_in(link_map, since[i].name))
			return since[i].minor;
	return 0;
}

static unsigned minor_of(const void *link_map)
{
	const unsigned long *const version = symbol_in(link_map, "Py_Version");

	if (!version)
		return minor_by_functions(link_map);
	return *version >> 24 == 3 ? *version >> 16 & 0xff : 0;
}

/* What it tells debuggers, from 3.13 on: "xdebugpy", the version, whether there is no lock, and where fields stand. */
static const uint64_t *told_by(const void *link_map)
{
	size_t bytes;
	const uint64_t *const words = symbol_sized_in(link_map, "_PyRuntime", &bytes);

	return words && bytes >= PYTHON_TOLD_WORDS * sizeof(*words) && memcmp(words, "xdebugpy", sizeof(*words)) == 0 ? words : NULL;
}

/* Why it is not read, or TRK_PYTHON_READ. */
static enum trk_python judge(const void *link_map, unsigned minor, struct python_layout *ret)
{
	const enum trk_python what = sizeof(void *) == 8 ? python_layout_find(minor, told_by(link_map), ret) : TRK_PYTHON_VERSION;

	if (what != TRK_PYTHON_VERSION && (symbol_in(link_map, "_Py_NegativeRefcount") || symbol_in(link_map, "_Py_PrintReferences")))
		return TRK_PYTHON_DEBUG;
	return what;
}

/* ---- what is called and compared ---- */

static bool range_of(const void *link_map, const char *name, uintptr_t *ret_start, uintptr_t *ret_end)
{
	size_t bytes;

	*ret_start = (uintptr_t)symbol_sized_in(link_map, name, &bytes);
	*ret_end = *ret_start + bytes;
	return *ret_start && bytes;
}

static bool find_functions(struct python *p, const void *link_map, unsigned minor)
{
	p->own_state = (uintptr_t(*)(void))symbol_in(link_map, "PyGILState_GetThisThreadState");
	p->attached_state = (uintptr_t(*)(void))symbol_in(link_map, minor >= 13 ? "PyThreadState_GetUnchecked" : "_PyThreadState_UncheckedGet");
	p->is_finalizing = (int (*)(void))symbol_in(link_map, minor >= 13 ? "Py_IsFinalizing" : "_Py_IsFinalizing");
	p->code_type = (uintptr_t)symbol_object(link_map, "PyCode_Type");
	p->string_type = (uintptr_t)symbol_object(link_map, "PyUnicode_Type");
	p->bytes_type = (uintptr_t)symbol_object(link_map, "PyBytes_Type");
	p->get_allocator = (void (*)(int, struct python_allocator *))symbol_in(link_map, "PyMem_GetAllocator");
	p->set_allocator = (void (*)(int, const struct python_allocator *))symbol_in(link_map, "PyMem_SetAllocator");
	p->objects_recording = 0;
	atomic_store(&p->objects, PYTHON_OBJECTS_THEIRS);
	p->limit = p->limit_end = 0;
	(void)range_of(link_map, "_Py_CheckRecursiveCall", &p->limit, &p->limit_end);
	return p->own_state && p->attached_state && p->is_finalizing && p->code_type && p->string_type && p->bytes_type &&
	       range_of(link_map, "_PyEval_EvalFrameDefault", &p->loop, &p->loop_end);
}

/* NULL: there is no memory. */
static struct python *get(void)
{
	struct python *p = state.python ? state.python : raw_map_private(sizeof(*p)), *none = NULL;

	if (!p || p == state.python)
		return p;
	atomic_store(&p->next, PYTHON_FIRST_NUMBER);
	if (__atomic_compare_exchange_n(&state.python, &none, p, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
		return p;
	raw_release(p, sizeof(*p));
	return none;
}

static void begin(const void *link_map, const struct python_layout *layout)
{
	const unsigned minor = layout->minor;

	struct python *const p = get();
	bool nobody = false;

	if (!p) {
		python_say(minor, TRK_PYTHON_NO_MEMORY);
		return;
	}
	if (!atomic_compare_exchange_strong(&p->taken, &nobody, true))
		return;
	p->found = *layout;
	p->layout = &p->found;
	p->link_map = link_map;
	p->trials = 0;
	p->number++;
	atomic_store(&p->checked, PYTHON_UNCHECKED);
	python_forget_codes(p);
	if (find_functions(p, link_map, minor)) {
		atomic_store_explicit(&p->on, true, memory_order_release);
		return;
	}
	python_say(minor, TRK_PYTHON_DIFFERS);
	atomic_store(&p->taken, false);
}

void python_met(const void *link_map)
{
	struct python_layout layout;
	enum trk_python what;
	unsigned minor;

	/* Another unwinder does not tell where frames stand. */
	if (!link_map || state.reference_unwinder || !symbol_in(link_map, "PyGILState_GetThisThreadState") ||
	    (state.python && atomic_load(&state.python->taken)))
		return;
	minor = minor_of(link_map);
	what = judge(link_map, minor, &layout);
	if (what == TRK_PYTHON_READ)
		begin(link_map, &layout);
	else
		python_say(minor, what);
}

/* ---- unloading ---- */

/* The program itself stays. */
static bool may_be_unloaded(const struct python *p)
{
	const struct link_map *const l = p->link_map;

	return l->l_prev != NULL;
}

void python_before_unloading(void)
{
	struct python *const p = state.python;

	if (!p || !atomic_load(&p->on) || !may_be_unloaded(p))
		return;
	atomic_store(&p->on, false);
	contexts_wait(); /* for those that have seen that it was on */
	p->unloading = true;
}

void python_after_unloading(void)
{
	struct python *const p = state.python;

	if (!p || !p->unloading)
		return;
	p->unloading = false;
	if (symbol_is_loaded(p->link_map))
		atomic_store_explicit(&p->on, true, memory_order_release);
	else
		atomic_store(&p->taken, false); /* another one may come */
}

/* ---- another recorder ---- */

void python_tell_again(void)
{
	struct python *const p = state.python;
	uint8_t checking = PYTHON_CHECKING;

	if (!p)
		return;
	/* threads of the parent may have been reading; and nobody has heard of what was freed while nothing was recorded */
	for (unsigned i = 0; i < PYTHON_STATES; i++) {
		atomic_store(&p->states[i].key, 0);
		atomic_store(&p->states[i].walkers, 0);
	}
	if (atomic_load(&p->on))
		(void)atomic_compare_exchange_strong(&p->checked, &checking, PYTHON_UNCHECKED);
	python_forget_codes(p);
	if (atomic_load(&p->checked) == PYTHON_AGREES)
		python_say(p->layout->minor, TRK_PYTHON_READ);
}
