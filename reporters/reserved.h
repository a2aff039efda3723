/*
 * reserved - the line that names address space which is reserved and is no heap.
 */
#ifndef REPORTERS_RESERVED_H
#define REPORTERS_RESERVED_H

#include <stdio.h>

#include "replay/heap.h"
#include "ui/ui.h"

/* Nothing when nothing was ever reserved. after: what stands behind the sentence. */
void reserved_print(FILE *f, uint64_t most_bytes, uint64_t most_mappings, const char *after);
void reserved_json(struct ui_json *j, const struct heap_totals *t);

#endif
