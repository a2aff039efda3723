/*
 * unwind_reference - stacks by libunwind and by libgcc, to compare libtracker's with.
 *
 * There are two oracles because they err in different places: libunwind 1.6 keeps frames of code that was unloaded,
 * and guesses where there is no unwind information; libgcc ends there, as libtracker does. They are loaded with
 * RTLD_LOCAL and only on request. If they were linked, their _Unwind_* would take the place of the program's own in
 * C++ that is loaded later, and they take locks inside malloc. They are never the default.
 */
#include <dlfcn.h>
#include <string.h>

#include "debug_frame.h"
#include "headers.h"
#include "hook.h"
#include "registered.h"
#include "rules.h"
#include "symbol.h"
#include "unwind.h"

#ifndef VERIFY_EVERY
#define VERIFY_EVERY 37u
#endif
#define OWN_FRAMES_MAX 32u /* frames of this library, below the hook's caller */

/* libtracker's own frames come first: `room` has space for them and a whole stack. */
struct oracle {
	uint32_t (*walk)(uintptr_t *pcs, uint32_t room);
	bool marks_exact; /* 1 was added already, because the pc is no return address */
};

/* ---- libunwind ---- */

static int (*backtrace_all)(void **pcs, int room);

static uint32_t walk_libunwind(uintptr_t *pcs, uint32_t room)
{
	const int n = backtrace_all ? backtrace_all((void **)pcs, (int)room) : 0;

	return n > 0 ? (uint32_t)n : 0;
}

/* ---- libgcc ---- */

struct _Unwind_Context;
typedef int (*trace_function)(struct _Unwind_Context *context, void *data);

static int (*gcc_backtrace)(trace_function trace, void *data);
static uintptr_t (*gcc_get_ip)(struct _Unwind_Context *context, int *ret_exact);

struct trace {
	uintptr_t *pcs;
	uint32_t count, room;
};

/* _URC_NO_REASON (0) goes on; any other value stops. */
static int trace_frame(struct _Unwind_Context *context, void *data)
{
	struct trace *const t = data;

	int exact = 0;

	if (t->count == t->room)
		return 1;
	t->pcs[t->count] = gcc_get_ip(context, &exact);
	t->pcs[t->count++] += exact != 0;
	return 0;
}

static uint32_t walk_libgcc(uintptr_t *pcs, uint32_t room)
{
	struct trace t = { pcs, 0, room };

	if (gcc_backtrace && gcc_get_ip)
		(void)gcc_backtrace(trace_frame, &t);
	return t.count;
}

static const struct oracle oracles[SHM_ORACLES] = {
	[SHM_ORACLE_LIBUNWIND] = { walk_libunwind, false },
	[SHM_ORACLE_LIBGCC] = { walk_libgcc, true },
};

static void *find(const char *library, const char *name)
{
	void *const lib = dlopen(library, RTLD_NOW | RTLD_LOCAL);

	return symbol_in(lib, name); /* glibc's handles are link maps */
}

void unwind_reference_start(void)
{
	const uint32_t wanted = state.shm->header.flags;

	if (wanted & (SHM_UNWIND_LIBUNWIND | SHM_VERIFY_LIBUNWIND))
		backtrace_all = (int (*)(void **, int))find("libunwind.so.8", "unw_backtrace");
	if (!(wanted & SHM_VERIFY_LIBGCC))
		return;
	gcc_backtrace = (int (*)(trace_function, void *))find("libgcc_s.so.1", "_Unwind_Backtrace");
	gcc_get_ip = (uintptr_t(*)(struct _Unwind_Context *, int *))find("libgcc_s.so.1", "_Unwind_GetIPInfo");
}

uint32_t unwind_reference_room(void)
{
	return state.nframe + state.nframe_slack + OWN_FRAMES_MAX;
}

/*
 * Stacks have pc + 1 at signal frames (head of unwind.c): at the kernel's trampoline, which its code identifies here,
 * and at the frame to which the trampoline will return, which libgcc marks as such.
 */
static void mark_signal_frames(uintptr_t *pcs, uint32_t n, bool marks_exact)
{
	bool exact = false;

	for (uint32_t i = 0; i < n; i++) {
		struct cfi_module m;
		const bool trampoline = cfi_module_at(pcs[i], &m) && headers_is_signal_return(&m, pcs[i]);

		pcs[i] += exact || trampoline;
		exact = trampoline && !marks_exact;
	}
}

/* Writes an oracle's stack into pcs, most recent first, from the hook's caller on. 0: it has none. */
static uint32_t reference_stack(enum shm_oracle which, uintptr_t *pcs, const struct site *at)
{
	const uintptr_t outer = hook_mark_real(at->sp); /* they map memory and create pipes */
	const uint32_t n = oracles[which].walk(pcs, unwind_reference_room());
	uint32_t first = 0, kept = 0;

	hook_leave_real(outer);
	while (first < n && pcs[first] != at->pc)
		first++;
	for (; first < n && pcs[first] >= 4096; first++)
		pcs[kept++] = pcs[first];
	mark_signal_frames(pcs, kept, oracles[which].marks_exact);
	return kept;
}

uint32_t unwind_reference(struct thread *t, const struct site *at)
{
	uint32_t n = reference_stack(SHM_ORACLE_LIBUNWIND, t->check[0], at);
	struct rule rule;

	if (n > state.nframe)
		n = state.nframe;
	memcpy(t->walk, t->check[0], n * sizeof(*t->walk));
	for (uint32_t i = 0; i < n; i++)
		(void)rules_get(t, t->walk[i], false, &rule); /* only so that its module becomes known */
	if (n == 0) {
		t->walk[0] = at->pc;
		t->walk[1] = 0;
		n = 2;
	}
	return n;
}

/*
 * Compares t->walk[0..n) over `kept` of t->sent, without the mark of a cut. If the stack is deep, that is its most
 * recent part.
 */
static bool is_ours(const struct thread *t, const uintptr_t *pcs, uint32_t depth, uint32_t kept,
		    uint32_t n)
{
	const bool marked = wire_is_cut(kept ? t->sent[0] : t->walk[n - 1]);
	const uint32_t ours = kept + n - marked;

	if (t->deep ? depth <= ours : depth != ours)
		return false;
	for (uint32_t i = 0; i < ours; i++)
		if (pcs[i] != (i < n ? t->walk[i] : t->sent[kept - 1 - (i - n)]))
			return false;
	return true;
}

/* The step used unwind information that the oracles do not read. */
static bool only_we_know(uintptr_t pc)
{
	struct cfi_module m;
	struct cfi_fde f;

	if (!pc || !cfi_module_at(pc - 1, &m))
		return pc && registered_at(NULL, pc - 1, &f);
	return cfi_fde_at(&m, pc - 1, &f) != 0 && debug_frame_at(NULL, &m, pc - 1, &f);
}

static bool is_comparable(const struct thread *t, uint32_t kept, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (only_we_know(t->walk[i]))
			return false;
	for (uint32_t i = 0; i < kept; i++)
		if (only_we_know(t->sent[i]))
			return false;
	return true;
}

void unwind_verify(struct thread *t, const struct site *at, uint32_t kept, uint32_t n)
{
	struct shm_process *const p = state.process;
	uint32_t depth[SHM_ORACLES], compared = 0, equal = 0;

	if (t->until_check-- > 0)
		return;
	t->until_check = VERIFY_EVERY - 1;
	if (!is_comparable(t, kept, n))
		return;
	for (unsigned i = 0; i < SHM_ORACLES; i++) {
		depth[i] = reference_stack(i, t->check[i], at);
		if (depth[i] == 0)
			continue;
		compared++;
		atomic_fetch_add(&p->compared[i], 1);
		if (is_ours(t, t->check[i], depth[i], kept, n))
			equal++;
		else
			atomic_fetch_add(&p->differing[i], 1);
	}
	if (compared)
		atomic_fetch_add(&p->verified_stacks, 1);
	if (compared && !equal)
		atomic_fetch_add(&p->differing_stacks, 1);
	if (depth[0] && depth[1] && (depth[0] != depth[1] || memcmp(t->check[0], t->check[1], depth[0] * sizeof(uintptr_t)) != 0))
		atomic_fetch_add(&p->oracles_differ, 1);
}
