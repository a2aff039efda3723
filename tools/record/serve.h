/*
 * serve - a recorder that a program has started for itself (libtracker/spawn.h).
 *
 * tracker-run gives its recorder the shared memory, the file, the process. Here the recorder makes what it needs and says hello
 * to the program, who closes its end of the socket then. Until the program asks for a capture nothing is written.
 */
#ifndef RECORD_SERVE_H
#define RECORD_SERVE_H

#include "arguments.h"

/* Fills in what tracker-run would have said. 0 or an errno, which the program has been told. */
int serve_begin(struct arguments *o);
/* The recording has begun: tells the program how to attach, and lets go of the socket's other uses. An errno or 0. */
int serve_hello(const struct arguments *o, const struct recorder *r);

#endif
