/*
 * alone - what becomes of a program into which libtracker was preloaded although nobody records it.
 *
 * If TRACKER_OUTPUT names a file, the process executes tracker run, which records the program into it. Otherwise the
 * first process of a tree says in one line that it is not recorded; it marks the environment, so that its descendants are
 * silent. A program that uses tracker.h needs no recorder, and is told nothing.
 */
#ifndef ALONE_H
#define ALONE_H

/* From the constructor. Returns unless tracker run takes the process over. */
void alone_start(void);

#endif
