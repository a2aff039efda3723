/*
 * keyframing - writes down the live set now and then, so that reports need not replay everything before it.
 *
 * A keyframe is worth writing when it is small in comparison with the events since the last one: by their number,
 * because that determines the time to read and write it, and by their bytes, so that the file grows by 4 % at most.
 */
#ifndef RECORD_KEYFRAMING_H
#define RECORD_KEYFRAMING_H

#include "recorder.h"

/* Called between two rounds: writes a keyframe if it is worth it, or the keyframe with which the capture begins. */
void keyframing_write_if_due(struct recorder *r);
/* The recording ends before --start-after: writes a notice, and nothing else. */
void keyframing_tell_missed(struct recorder *r);
/* The file begins with the blocks that are live now; returns the time of this moment. The batch is empty. */
uint64_t keyframing_begin_file(struct recorder *r);

#endif
