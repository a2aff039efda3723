/* memory_use - how much memory recorded programs use, measured now and then. */
#ifndef RECORD_MEMORY_USE_H
#define RECORD_MEMORY_USE_H

#include "recorder.h"

void memory_use_look(struct recorder *r);

#endif
