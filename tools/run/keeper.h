/*
 * keeper - the process beside a dormant program (tracker run --dormant). It holds the control page (format/control_page.h) and listens as a
 * recorder does (tools/contact.h): tracker ctl PID start makes it start a recorder, tell the programs of it, and wait for its end.
 *
 * It depends on nobody. It ends when the program and all its descendants have. If it is killed, the programs run on, dormant.
 */
#ifndef RUN_KEEPER_H
#define RUN_KEEPER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct keeper_options {
	const char *recorder_path;
	pid_t program;
	char **argv; /* of the program */
	int run; /* a socket to tracker-run: record/control.h */
};

/* Starts it. Its pid, and the value of SHM_ENV for the program; -1: errno. */
pid_t keeper_start(const struct keeper_options *o, char *way, size_t room);

#endif
