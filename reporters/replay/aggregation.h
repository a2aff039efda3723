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

struct aggregation;
struct rows;

/* temporary_threshold: as in heap.h. TRK_ERR_NOMEM. */
int aggregation_new(struct aggregation **ret, uint32_t temporary_threshold);
void aggregation_free(struct aggregation *a); /* NULL-safe */

/* Its sums, of which those of `now` are what lives. */
const struct rows *aggregation_rows(const struct aggregation *a);

/* Its heap: for heap_expect, heap_last_ref, heap_totals, heap_set_page_bytes ...; events go through aggregation_apply. */
struct heap *aggregation_heap(struct aggregation *a);

/* As heap_set_sampling: the sums then have errors, too. Called before the first event. */
void aggregation_set_sampling(struct aggregation *a, uint64_t sample_bytes);

/* As heap_apply. */
int aggregation_apply(struct aggregation *a, const struct trk_event *e);
/* As heap_end_process; time_ns: when it ended. TRK_ERR_NOMEM: that moment is missing in the live bytes over time. */
int aggregation_end_process(struct aggregation *a, uint32_t process, uint64_t time_ns);

/*
 * Writes the present sums, totals, sizes and histories. Blocks that are live now count as leaked. Changes nothing.
 * Write errors stay in the writer.
 */
void aggregation_write(const struct aggregation *a, struct writer *w);

#endif
