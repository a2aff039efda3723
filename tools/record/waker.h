/* waker - a program that asks wakes the recorder, which waits for descriptors. */
#ifndef RECORD_WAKER_H
#define RECORD_WAKER_H

#include "recorder.h"

/* From now on. Does nothing if it was called before. */
void waker_listen(struct recorder *r);

#endif
