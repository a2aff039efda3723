/*
 * live_sums - what lives now, for those who look at the program while it runs: tracker live.
 *
 * It is an aggregated capture without a past: of its sums only "live at the end" is known. The recorder looks at every live block
 * once, between two rounds, so nothing is counted while nobody looks. A forked copy could do that beside it, but every
 * page of its tables that the recorder then changes would be copied first: with a million blocks that takes the recorder longer.
 */
#ifndef RECORD_LIVE_SUMS_H
#define RECORD_LIVE_SUMS_H

#include "recorder.h"

/*
 * Writes them into fd, an empty file; ret_error: an errno, or 0. Called between two rounds. *from_ns (0 at first): not before that time,
 * so that however often somebody asks, the recorder has most of its time for programs. False: not yet.
 */
bool live_sums_write(struct recorder *r, int fd, uint64_t *from_ns, int *ret_error);

#endif
