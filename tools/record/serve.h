/*
 * serve - a recorder that a program has started for itself (libtracker/spawn.h).
 *
 * tracker-run gives its recorder the shared memory, the file and the process. Here the recorder makes what it needs
 * and sends the program a greeting. Then the program closes its end of the socket. Nothing is written until the
 * program asks for a capture.
 */
#ifndef RECORD_SERVE_H
#define RECORD_SERVE_H

#include "arguments.h"

/* Fills in what tracker-run would have told. 0, or an errno, which the program has been told. */
int serve_begin(struct arguments *o);
/* The recording has begun: tells the program how to attach. An errno or 0. */
int serve_hello(const struct arguments *o, const struct recorder *r);

#endif
