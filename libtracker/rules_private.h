/* rules_private - what rules.c, which makes rules, and rules_modules.c, which knows their modules, share. */
#ifndef RULES_PRIVATE_H
#define RULES_PRIVATE_H

#include "cfi.h"
#include "rules.h"

#define RULES_MODULES 4096u

struct rules_module {
	_Atomic uintptr_t start; /* 0: free. A module that was unloaded leaves its entry to the next one. */
	uintptr_t end;
	const void *link_map;
	uint32_t name_hash; /* hash of the last part of its path */
};

extern struct rules_module *rules_modules; /* RULES_MODULES of them */

/* Whether the recorder was told of it. */
bool rules_knows_module(const struct cfi_module *m);
/* Tells the recorder. If two threads tell of the same module at once, the recorder ignores the second record. */
void rules_add_module(struct thread *t, const struct cfi_module *m);
/* A module whose unloading nobody noticed gave its place to `m`. */
void rules_drop_overlapped(const struct cfi_module *m);
/* rules.c: forgets all rules of pcs in that module. */
void rules_forget(uintptr_t start, uintptr_t end);

#endif
