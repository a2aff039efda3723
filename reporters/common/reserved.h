/*
 * reserved - the line that names address space that is reserved and not heap.
 */
#ifndef REPORTERS_RESERVED_H
#define REPORTERS_RESERVED_H

#include "replay/heap.h"
#include "ui/emit.h"

void reserved_figures(struct emit *e, const struct heap_totals *t);
/* Nothing when nothing was ever reserved. after: what stands behind the sentence. */
void reserved_say(struct emit *e, uint64_t most_bytes, uint64_t most_mappings, const char *after);

#endif
