/* look_refusals - why a look is not possible, or not in the usual way. */
#ifndef RECORD_LOOK_REFUSALS_H
#define RECORD_LOOK_REFUSALS_H

#include "look_stop.h"
#include "recorder.h"

/* Why this recording, and this process, can have no look. NULL: there is no reason. */
const char *look_refusal_of_recording(const struct recorder *r);
const char *look_refusal_of_process(const struct recorder *r, const struct process *p);
/* Why no thread can be stopped. NULL: there is no reason. */
const char *look_stop_hindrance(const struct process *p, char text[LOOK_REASON]);
/* Why it must not be forked: the call might kill it. NULL: there is no reason. */
const char *look_fork_hindrance(const struct process *p);

#endif
