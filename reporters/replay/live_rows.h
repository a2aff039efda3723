/*
 * live_rows - what lives in a heap now, summed by stack, thread, process, domain and allocator.
 *
 * It looks at every live block once, so nothing has to be counted while events pass. Processes that have ended hold
 * nothing any more.
 */
#ifndef REPLAY_LIVE_ROWS_H
#define REPLAY_LIVE_ROWS_H

#include "replay/heap.h"
#include "replay/rows.h"

/*
 * ret: zeroes, except `sampled`. The sums are those of `now`. progress (may be NULL) is called every few thousand blocks. TRK_ERR_NOMEM:
 * some are missing.
 */
int live_rows(const struct heap *h, struct rows *ret, void (*progress)(void *data), void *data);

#endif
