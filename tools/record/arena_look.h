/*
 * arena_look - which pages of arenas are in memory: they are heap from then on (TRK_TOUCHED).
 *
 * Nobody tells the recorder of a store. /proc/PID/pagemap has eight bytes for each page. The recorder reads them for
 * those parts of arenas that were not touched yet, for at most a hundredth of the time, and once more when a program
 * with such memory says that it is about to end.
 */
#ifndef RECORD_ARENA_LOOK_H
#define RECORD_ARENA_LOOK_H

#include "recorder.h"

/* Looks which pages of arenas are in memory, when it is time. */
void arena_look_now_and_then(struct recorder *r);
/* Notes which programs ask for a last look. It is taken after a round, when everything that they published is known. */
void arena_look_asked(struct recorder *r);
void arena_look_answer(struct recorder *r);

#endif
