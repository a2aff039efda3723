/* failure - the error code and the sentence of a thread's last failed call. */
#ifndef LIBRARY_FAILURE_H
#define LIBRARY_FAILURE_H

#include "format/trk.h"
#include "tracker-replay.h"

/* Returns the code. */
int failure(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
int failure_no_memory(void);
/* The failure that capture_open reported for `path`; error: its errno. */
int failure_to_open(const char *path, const struct trk_fault *fault, int error);

#endif
