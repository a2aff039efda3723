/* arrivals - programs that took a slot of the segment, and are not bound to a process of the recording yet. */
#ifndef RECORD_ARRIVALS_H
#define RECORD_ARRIVALS_H

#include "recorder.h"

/* Programs that took a slot and are not bound yet. */
struct arrival {
	uint64_t number; /* shm.h */
	uint32_t slot;
};
/* Finds those with numbers below `end`. Returns how many, in the order in which they came. */
size_t arrivals_find(const struct recorder *r, uint64_t end, struct arrival new[SHM_PROCESSES]);

#endif
