/*
 * free_check - tracker run --check-free: before every release the recorder is asked whether a block lives there.
 *
 * A block that was freed before, a pointer that no allocation returned, and new released by free (or malloc by delete) end the
 * program, with the stacks of this call, of the allocation and of the first release on stderr.
 */
#ifndef FREE_CHECK_H
#define FREE_CHECK_H

#include <stdbool.h>

#include "arch.h"

/*
 * The process has attached: if its releases are to be checked, hooks are held for that. late: it has blocks that nobody knows, so they
 * are not checked.
 */
void free_check_start(bool late);
/* Hooks are held for it. */
bool free_check_holds(void);
/* What the hook at `at` is about to release, by a call of `kind`. Returns if that may be; or if nobody checks. */
void free_check(uint8_t kind, const void *p, const struct site *at);
/* tracker run --release-stacks: the recorder learns where the hook was called that is about to release p. */
void free_tell(const void *p, const struct site *at);

#endif
