/*
 * own_modules - the names of this program's own functions, for captures that the recorder makes for it while it runs: from the
 * files that it has mapped, as the recorder has opened them, and which stay open (open_modules.h).
 */
#ifndef LIBRARY_OWN_MODULES_H
#define LIBRARY_OWN_MODULES_H

#include "replay/capture.h"
#include "symbols/stack.h"

struct own_modules;

/*
 * For the modules of `c`, which lives longer. numbers: those of the recorder, by the capture's; NULL: they are looked for. NULL:
 * there is no memory.
 */
struct own_modules *own_modules_new(const struct capture *c, const unsigned *numbers, size_t count);
void own_modules_free(struct own_modules *o); /* NULL-safe */

/* For struct stacks_options. */
size_t own_modules_lookup(void *own_modules, uint32_t module, uint64_t address, struct resolved_frame *out, size_t max, struct arena *strings);

#endif
