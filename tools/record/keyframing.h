/*
 * keyframing - now and then the live set is written down, so that reports need not replay all that
 * came before.
 *
 * It is worth it when the events since the last one outweigh it: by their number, for that is
 * what reading and writing it cost in time, and by their bytes, so that the file grows by 4 % at most.
 */
#ifndef RECORD_KEYFRAMING_H
#define RECORD_KEYFRAMING_H

#include "recorder.h"

/* Between two rounds: writes a keyframe if it is worth it, or the one that the capture begins with. */
void keyframing_write_if_due(struct recorder *r);
/* The recording ends while it was still to begin: says so; nothing is in it. */
void keyframing_tell_missed(struct recorder *r);
/* A new piece of the capture begins with what lives now; when that is. The batch is empty. */
uint64_t keyframing_begin_piece(struct recorder *r);

#endif
