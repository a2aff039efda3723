/* totals - heap_totals to and from the form that a capture holds. */
#ifndef REPLAY_TOTALS_H
#define REPLAY_TOTALS_H

#include "format/writer.h"
#include "replay/heap.h"

/* TRK_TOTAL_EVENTS and `sampled`, which the heap does not know, become 0. */
void totals_of_heap(struct trk_totals *ret, uint32_t process, const struct heap_totals *t);
/* The SUMMARY of a capture. */
void totals_write_summary(struct writer *w, const struct heap_totals *t, uint64_t processes,
			  uint64_t threads);
struct trk_error totals_error(const struct sampling_error *e);
void totals_to_heap(struct heap_totals *ret, const struct trk_totals *t);

#endif
