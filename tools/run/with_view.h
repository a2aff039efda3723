/*
 * with_view - tracker run --live: the view has the terminal, and what the program would print there goes to a file.
 *
 * Only what is the terminal is replaced: what the user has sent elsewhere stays as it is.
 */
#ifndef RUN_WITH_VIEW_H
#define RUN_WITH_VIEW_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "tools/run/capture_file.h"
#include "tools/run/launch.h"

struct with_view {
	int terminal; /* /dev/tty */
	int output; /* the file of what is printed; -1: nothing of the program's is the terminal */
	char path[PATH_MAX]; /* of that file */
	pid_t view; /* 0: it does not run */
};

/* Before the program is forked. capture: the value of -o, or NULL. Fills in what the program gets. False: printed. */
bool with_view_prepare(struct with_view *v, const char *capture, struct program_options *program);
/* The capture has a name now, and the file gets one like it. */
void with_view_name(struct with_view *v, const struct capture_file *capture, bool force);
/* The program runs. program: what it is called. If there can be no view, says so. */
void with_view_start(struct with_view *v, pid_t recorder, const char *program);
/* The program has ended: waits until the user quits, and says where the program's output is. */
void with_view_end(struct with_view *v, const char *program);
/* Nothing was started: removes what was made. */
void with_view_discard(struct with_view *v);

#endif
