/*
 * own - blocks that the library allocates in a recorded program are not the program's: no public function that
 * allocates or frees has its own blocks recorded. Without a recorder this costs a branch.
 */
#ifndef LIBRARY_OWN_H
#define LIBRARY_OWN_H

#include "tracker-replay.h"

static inline uintptr_t own_begin(void)
{
	return TRACKER_CALL_(own_begin, 0, ());
}

static inline void own_end(const uintptr_t *begun)
{
	if (TRACKER_HAS_(tracker_find_(), own_end))
		tracker_find_()->own_end(*begun);
}

/* Ends with the enclosing block of code. */
#define OWN_MEMORY const uintptr_t own_begun __attribute__((cleanup(own_end), unused)) = own_begin()

#endif
