/*
 * say - what tracker run prints on stderr when the program has ended: what was recorded, where it is, and what went
 * wrong.
 */
#ifndef RUN_SAY_H
#define RUN_SAY_H

#include "tools/record/control.h"
#include "tools/run/inspect.h"
#include "tools/run/launch.h"
#include "tools/run/run_options.h"
#include "tools/run/with_view.h"
#include "tools/run/streaming.h"
#include "tools/run/capture_file.h"
#include "tools/new_segment.h"

#include <limits.h>

/* One call of tracker run. */
struct run {
	struct run_options o;
	char **argv; /* the program's */
	struct inspection found;
	char library[PATH_MAX], recorder_path[PATH_MAX];
	struct new_segment segment;
	int control, recorder_control, pidfd;
	struct program program;
	pid_t recorder;
	struct capture_file output;
	struct with_view view; /* with --live */
	struct streaming stream;
	int checked; /* what --check found: UI_OK, UI_GATE, ... */
};

/* Descendants still run, and the recorder with them. */
void say_left(const struct run *r, const struct control_message *m);
/* The recorder's figures, or its error. Gives up a capture that was not begun. */
void say_done(const struct run *r, const struct control_message *m);
/* `status` as wait(2) has it. */
void say_recorder_died(const struct run *r, int status);

#endif
