/*
 * unseen - programs that recorded processes start, or become, and that do not come to us though no hook
 * noted their execution (system calls made directly, system() with an environment that was cleared). They are looked for: whoever
 * twice in a row has not even our segment among its mappings is watched until it attaches or ends (watch.c).
 * Forked children have it, executed ones map it as they begin. The more there is to look at, the rarer the looks.
 */
#ifndef RECORD_UNSEEN_H
#define RECORD_UNSEEN_H

#include "recorder.h"

/* Now and then: watches programs that recorded processes started, or became, and that have not come to us. */
void unseen_look(struct recorder *r);
/*
 * Processes that were started with our environment since `pid` was and never
 * attached: between fork and exec, or not recordable. At most `max` pids.
 */
size_t unseen_strangers(struct recorder *r, const char *environment, uint32_t pid, uint32_t *pids,
			size_t max);

#endif
