/*
 * own_recorder - what a program wants of a recorder that it has started itself, by tracker.h, and when that is given.
 *
 * Where tracker run records the program, that recorder serves; otherwise the first wish starts one. As long as there is a
 * wish the program is recorded; without one hooks do nothing, and the recorder sleeps.
 */
#ifndef OWN_RECORDER_H
#define OWN_RECORDER_H

#include <stdint.h>

enum own_wish { OWN_TRACE = 1,
		OWN_CAPTURE = 2 };

/* With at least `nframe` frames of a stack. At any time, but not from a hook. TRACKER_OK, or a code with a sentence (error.h). */
int own_recorder_want(enum own_wish wish, uint32_t nframe);
/* That is not wanted any more. */
void own_recorder_rest(enum own_wish wish);

#endif
