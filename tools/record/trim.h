/* trim - gives memory of the segment that nobody uses back to the system. */
#ifndef RECORD_TRIM_H
#define RECORD_TRIM_H

#include "recorder.h"

/* Gives back the memory of free chunks, except of those that are used first. */
void trim_chunks(struct recorder *r);

#endif
