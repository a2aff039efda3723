/*
 * kind_list - how many allocations each function of the allocator made.
 */
#ifndef REPORTERS_KIND_LIST_H
#define REPORTERS_KIND_LIST_H

#include "replay/heap.h"
#include "ui/emit.h"

/* "allocator_type_distribution": by name, the most frequent first. */
void kind_list_describe(const struct heap_totals *t, struct emit *e);

#endif
