/*
 * error - what tracker_last_error returns: for each thread, the sentence of its last failed call.
 */
#ifndef ERROR_H
#define ERROR_H

#include "tracker.h"

/* Keeps `sentence` and returns `code` (enum tracker_error). The sentence stays the caller's and must live on. */
int error_set(int code, const char *sentence);

/*
 * The same for a sentence that is put together from three parts. They are copied, up to 1023 bytes in all. The
 * sentence is valid until any threads have made 64 more of this kind.
 */
int error_about(int code, const char *before, const char *about, const char *after);

/* Never NULL; "" when nothing has failed. Valid until the thread's next failure. */
const char *error_last(void);
/* The code of that failure; TRACKER_OK when nothing has failed. */
int error_last_code(void);

#endif
