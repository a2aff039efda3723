/*
 * ask - questions to the recorder (format/shm.h): the program keeps no tables, the recorder knows.
 *
 * A question has its place among the events of the thread that asks. So its answer counts everything that happened
 * before it, in every thread, and nothing that came after. Asking needs no heap, and may be done by any thread and by
 * signal handlers.
 */
#ifndef ASK_H
#define ASK_H

#include "arch.h"
#include "format/shm.h"

struct question {
	uint32_t what; /* enum shm_what */
	uint64_t given[4];
	/* The answer: */
	uint64_t figures[6];
	uint32_t count;
	void *answer; /* the answer's bytes are copied here; NULL: the answer has no bytes */
	size_t room; /* there; more is left out */
	const char *text; /* goes with the question, at most SHM_TEXT_BYTES of it; NULL: none */
	const struct site *at; /* the recorder is to know the stack of that place, too; NULL: not */
};

/*
 * TRACKER_OK, or the code that the recorder answered. TRACKER_EDISABLED: nothing is recorded. TRACKER_EIO: no answer
 * came. Each error leaves a sentence (error.h).
 */
int ask(struct question *q);

#endif
