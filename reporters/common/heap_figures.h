/*
 * heap_figures - the totals of a heap, for all processes or for one, under memray's names.
 */
#ifndef REPORTERS_HEAP_FIGURES_H
#define REPORTERS_HEAP_FIGURES_H

#include "common/endings.h"
#include "replay/heap.h"
#include "ui/emit.h"

/* sample_bytes: 0: the capture is not sampled; otherwise with margins. */
void heap_figures_describe(struct emit *e, uint64_t sample_bytes, const struct heap_totals *t);
/* The sentences that people read of them. ends: what was not freed, by how the processes ended; NULL: that is not said. */
void heap_figures_say(struct emit *e, const struct heap_totals *t, const struct endings *ends);

#endif
