/*
 * frame_names - the names of all frames, for the end of the file.
 *
 * A child looks them up and sends them through a pipe: files of unknown making are read, by libraries that
 * end their process when there is no memory, and what was recorded must not depend on that. What
 * the child sent until it ended badly is in the file all the same.
 *
 * A message is a head and what it tells of: a text (frame TEXT, `count` bytes), which gets the next number,
 * from 1 on; what could not be read (TROUBLE, a sentence of `count` bytes); or `count` names of a frame, whose
 * functions and files are numbers of texts. The last one is of frame 0: a report.
 */
#ifndef RECORD_FRAME_NAMES_H
#define RECORD_FRAME_NAMES_H

#include "recorder.h"

/* Looks up the names of all frames and writes them, with what there is to say of that. */
void frame_names_write(struct recorder *r);

#endif
