/*
 * unwind_reference - stacks by libunwind, to compare ours with.
 *
 * Loaded with RTLD_LOCAL and only on request: linked, its _Unwind_* would take
 * the place of libgcc's in programs that load C++ later, and it takes the
 * loader's lock inside malloc. Never the default.
 */
#include <dlfcn.h>

#include "hook.h"
#include "rules.h"
#include "unwind.h"


#define DEPTH_MAX 4096u
#define OWN_FRAMES_MAX 16u
#define VERIFY_EVERY 37u

static int (*backtrace_all)(void **pcs, int room);

void unwind_reference_start(void)
{
	void *const lib = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);

	if (lib)
		backtrace_all = (int (*)(void **, int))dlsym(lib, "unw_backtrace");
}

/* The reference's stack into pcs, most recent first, from the hook's caller on. */
static uint32_t reference_stack(uintptr_t *pcs, const struct site *at)
{
	const uint32_t room = state.nframe < DEPTH_MAX ? state.nframe : DEPTH_MAX;
	const uintptr_t outer = hook_mark_real(at->sp); /* it maps memory and creates pipes */
	const int found = backtrace_all ? backtrace_all((void **)pcs, (int)room) : 0;
	const uint32_t n = found > 0 ? (uint32_t)found : 0;
	uint32_t first = 0, kept = 0;

	hook_leave_real(outer);
	while (first < n && pcs[first] != at->pc)
		first++;
	for (; first < n && pcs[first] >= 4096; first++)
		pcs[kept++] = pcs[first];
	return kept;
}

uint32_t unwind_reference(struct thread *t, const struct site *at)
{
	uint32_t n = reference_stack(t->walk, at);
	struct rule rule;

	for (uint32_t i = 0; i < n; i++)
		(void)rules_get(t, t->walk[i], false, &rule); /* only for its module to become known */
	if (n == 0) {
		t->walk[0] = at->pc;
		t->walk[1] = 0;
		n = 2;
	}
	return n;
}

static bool same_stack(const struct thread *t, uint32_t kept, uint32_t n, uint32_t depth)
{
	for (uint32_t i = 0; i < depth; i++) {
		const uintptr_t ours = i < n ? t->walk[i] : t->sent[kept - 1 - (i - n)];

		if (t->check[i] != ours)
			return false;
	}
	return true;
}

void unwind_verify(struct thread *t, const struct site *at, uint32_t kept, uint32_t n)
{
	uint32_t depth, expected;

	if (t->until_check-- > 0)
		return;
	t->until_check = VERIFY_EVERY - 1;
	if (n > 0 && t->walk[n - 1] == 0)
		n--; /* the mark of a cut is ours */
	depth = kept + n;
	expected = reference_stack(t->check, at);
	atomic_fetch_add(&state.process->verified_stacks, 1);
	/* The reference sees our hook's frames as well: compare what both have room for. */
	if (expected + OWN_FRAMES_MAX >= state.nframe || depth == state.nframe)
		depth = expected = depth < expected ? depth : expected;
	if (depth != expected || !same_stack(t, kept, n, depth))
		atomic_fetch_add(&state.process->differing_stacks, 1);
}
