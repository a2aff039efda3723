/*
 * unseen - programs that recorded processes start, or become, that do not attach, and whose exec no hook noted: they
 * were executed by direct system calls, or by system() with a cleared environment. The recorder looks for them. If a
 * process lacks the segment among its mappings twice in a row, the recorder watches it until it attaches or ends
 * (watch.c). Forked children have the segment, and executed programs map it as they begin. The more processes there
 * are, the less often it looks.
 */
#ifndef RECORD_UNSEEN_H
#define RECORD_UNSEEN_H

#include "recorder.h"

/* Now and then: watches programs that recorded processes started, or became, and that have not attached. */
void unseen_look(struct recorder *r);
/*
 * Processes that were started with the recording's environment since `pid` was, and never attached: they are between
 * fork and exec, or cannot be recorded. At most `max` pids. environment NULL: the recording has none; processes that have its segment, and
 * have not attached: they were forked, and have not run since.
 */
size_t unseen_strangers(struct recorder *r, const char *environment, uint32_t pid, uint32_t *pids,
			size_t max);

#endif
