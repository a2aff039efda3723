/* rules_private - what rules.c, which makes rules, and rules_modules.c, which knows whose they are, share. */
#ifndef RULES_PRIVATE_H
#define RULES_PRIVATE_H

#include "cfi.h"
#include "rules.h"

#define RULES_MODULES 4096u

struct rules_module {
	_Atomic uintptr_t start; /* 0: free. A module that was unloaded leaves its entry to the next one. */
	uintptr_t end;
	const void *link_map;
	uint32_t name_hash; /* of the last part of its path */
};

extern struct rules_module *rules_modules; /* RULES_MODULES of them */

/* The recorder was told of it. */
bool rules_knows_module(const struct cfi_module *m);
/* Tells the recorder. Two threads may tell of the same module at once: it takes the second for nothing new. */
void rules_add_module(struct thread *t, const struct cfi_module *m);
/* A module that nobody saw unloaded gave its place to `m`. */
void rules_drop_overlapped(const struct cfi_module *m);
/* rules.c: all rules of pcs in there. */
void rules_forget(uintptr_t start, uintptr_t end);

#endif
