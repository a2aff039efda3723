/* failure - the code and the sentence that a thread asks for after a call that failed. */
#ifndef LIBRARY_FAILURE_H
#define LIBRARY_FAILURE_H

#include "format/trk.h"
#include "tracker-replay.h"

/* Returns the code. */
int failure(int code, const char *format, ...) __attribute__((format(printf, 2, 3)));
int failure_no_memory(void);
/* What capture_open said of `path`; error: its errno. */
int failure_to_open(const char *path, const struct trk_fault *fault, int error);

#endif
