/*
 * error - what tracker_last_error returns: for each thread, the sentence of its last failed call.
 */
#ifndef ERROR_H
#define ERROR_H

#include "tracker.h"

/* Keeps `sentence`, which stays the caller's and must live on, and returns `code` (enum tracker_error). */
int error_set(int code, const char *sentence);

/* Never NULL; "" when nothing has failed. Valid until the thread's next failure. */
const char *error_last(void);

#endif
