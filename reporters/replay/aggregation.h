/*
 * aggregation - the sums of an aggregated capture, kept while events pass.
 *
 * A heap and what follows its blocks: figures per (stack, thread, allocator,
 * process), sizes per process, live bytes over time. The recorder feeds it while
 * it records, `tracker aggregate` while it reads. What it writes is what `view`
 * would find in the events. Memory grows with live blocks, distinct stacks and sizes.
 */
#ifndef REPLAY_AGGREGATION_H
#define REPLAY_AGGREGATION_H

#include "format/writer.h"
#include "replay/heap.h"

struct aggregate;

/* temporary_threshold: as in heap.h. TRK_ERR_NOMEM. */
int aggregate_new(struct aggregate **ret, uint32_t temporary_threshold);
void aggregate_free(struct aggregate *a); /* NULL-safe */

/* Its heap: for heap_expect, heap_last_ref, heap_totals, heap_set_page_bytes ...; events go through aggregate_apply. */
struct heap *aggregate_heap(struct aggregate *a);

/* As heap_set_sampling: the sums have errors, too. Before the first event. */
void aggregate_set_sampling(struct aggregate *a, uint64_t sample_bytes);

/* As heap_apply. */
int aggregate_apply(struct aggregate *a, const struct trk_event *e);
/* As heap_end_process; time_ns: when it ended. TRK_ERR_NOMEM: live bytes over time lack that moment. */
int aggregate_end_process(struct aggregate *a, uint32_t process, uint64_t time_ns);

/*
 * Writes sums, totals, sizes and histories as of now; what lives now counts as leaked. Changes
 * nothing. Write errors stay in the writer.
 */
void aggregate_write(const struct aggregate *a, struct writer *w);

#endif
