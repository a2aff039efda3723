/*
 * unwind_reference - stacks by libunwind, to compare ours with.
 *
 * Loaded with RTLD_LOCAL and only on request: linked, its _Unwind_* would take
 * the place of libgcc's in programs that load C++ later, and it takes the
 * loader's lock inside malloc. Never the default.
 */
#include <dlfcn.h>

#include "rules.h"
#include "unwind.h"


static int (*backtrace_all)(void **pcs, int room);

void unwind_reference_start(void)
{
	void *const lib = dlopen("libunwind.so.8", RTLD_NOW | RTLD_LOCAL);

	if (lib)
		backtrace_all = (int (*)(void **, int))dlsym(lib, "unw_backtrace");
}

uint32_t unwind_reference(struct thread *t, const struct site *at)
{
	const int room = (int)(state.nframe < 4096 ? state.nframe : 4096);
	int first = 0, n;
	struct rule rule;

	n = backtrace_all ? backtrace_all((void **)t->walk, room) : 0;
	while (first < n && t->walk[first] != at->pc)
		first++;
	if (first == n) {
		t->walk[0] = at->pc;
		t->walk[1] = 0;
		return 2;
	}
	for (int i = 0; i < n - first; i++) {
		t->walk[i] = t->walk[first + i];
		if (t->walk[i] >= 4096)
			(void)rules_get(t, t->walk[i], false, &rule);
	}
	n -= first;
	if (n > 0 && t->walk[n - 1] < 4096)
		n--;
	return (uint32_t)n;
}
