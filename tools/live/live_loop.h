/* live_loop - a view on the terminal, from its first picture until the user quits. */
#ifndef LIVE_LOOP_H
#define LIVE_LOOP_H

#include "live_view.h"

struct live_loop_options {
	uint64_t interval_ns; /* between two pictures, at least */
	bool of_run; /* beside tracker run, on its terminal: Ctrl-C is for the program */
};

/* An exit code. */
int live_loop(struct live_source *s, const struct picture_question *q, const struct live_loop_options *o);

#endif
