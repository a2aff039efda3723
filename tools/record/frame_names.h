/*
 * frame_names - the names of all frames, for the end of the file.
 *
 * A child process looks them up and sends them through a pipe, because it reads files of unknown origin with libraries
 * that exit when there is no memory, and the recording must not depend on that. If the child ends badly, the file
 * still gets what it sent before.
 *
 * A message is a head and its contents: a text (frame TEXT, `count` bytes), which gets the next number, from 1 on; a
 * failure to read something (TROUBLE, a sentence of `count` bytes); or the `count` names of a frame, whose functions
 * and files are numbers of texts. The last message is of frame 0: a report.
 */
#ifndef RECORD_FRAME_NAMES_H
#define RECORD_FRAME_NAMES_H

#include "recorder.h"

/* Looks up the names of all frames and writes them, with notices and health figures about it. */
void frame_names_write(struct recorder *r);

#endif
