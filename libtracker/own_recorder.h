/*
 * own_recorder - a recorder that the program has started itself, by tracker.h: what it is wanted for, and when it is
 * no longer wanted.
 *
 * If tracker run records the program, that recorder serves. Otherwise the first wish starts one. As long as there is
 * a wish, the program is recorded; without a wish hooks do nothing, and the recorder sleeps.
 */
#ifndef OWN_RECORDER_H
#define OWN_RECORDER_H

#include <stdint.h>

enum own_wish { OWN_TRACE = 1,
		OWN_CAPTURE = 2 };

/*
 * A wish, for stacks of at least `nframe` frames. May come at any time, but not from a hook. TRACKER_OK, or a code
 * with a sentence (error.h).
 */
int own_recorder_want(enum own_wish wish, uint32_t nframe);
/* The wish is over. */
void own_recorder_rest(enum own_wish wish);

#endif
