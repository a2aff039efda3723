/*
 * ask - questions to the recorder (format/shm.h): the program keeps no tables, the recorder knows.
 *
 * A question has its place among the asking thread's events, so its answer holds all that came before it, in every thread, and
 * nothing that came after. Needs no heap; may be called from any thread, and from signal handlers.
 */
#ifndef ASK_H
#define ASK_H

#include "format/shm.h"

struct question {
	uint32_t what; /* enum shm_what */
	uint64_t given[4];
	/* The answer: */
	uint64_t figures[6];
	uint32_t count;
	void *answer; /* where it is copied to; NULL: it has no bytes */
	size_t room; /* there; more is left out */
};

/* TRACKER_OK or what the recorder says; TRACKER_EDISABLED: nothing is recorded. TRACKER_EIO: no answer. With a sentence (error.h). */
int ask(struct question *q);

#endif
