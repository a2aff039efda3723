/*
 * unread - modules whose unwind information the recorded program could not read in itself: .debug_frame that zstd packed,
 * or another method that libtracker (frame_file.c) does not know. Said where stacks were cut or guessed for want of some.
 */
#ifndef RECORD_UNREAD_H
#define RECORD_UNREAD_H

#include "recorder.h"

/* Notices for modules whose unwind information could not be read by the program that they are mapped in. */
void unread_finish(struct recorder *r);

#endif
