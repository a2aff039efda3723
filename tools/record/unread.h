/*
 * unread - names the modules whose unwind information the recorded program could not read itself: .debug_frame that is
 * compressed by zstd, or by another method that libtracker (frame_file.c) does not know. It does so only if stacks
 * were cut or guessed.
 */
#ifndef RECORD_UNREAD_H
#define RECORD_UNREAD_H

#include "recorder.h"

/* Writes notices about modules whose unwind information the program in which they are mapped could not read. */
void unread_finish(struct recorder *r);

#endif
