/* sample - how much memory recorded programs take, now and then, and the names of their threads. */
#ifndef RECORD_SAMPLE_H
#define RECORD_SAMPLE_H

#include "recorder.h"

void sample_memory(struct recorder *r);

#endif
