/*
 * completion - what bash, zsh and fish read to complete a command line of tracker. It is made of the option tables of the commands,
 * which each of them prints when it is asked with --list-options.
 */
#ifndef TOOLS_COMPLETION_H
#define TOOLS_COMPLETION_H

#include <stddef.h>

struct tracker_command {
	const char *name, *summary;
};

/* Prints it to stdout. Returns an exit code; it has said why. */
int completion_print(const char *shell, const struct tracker_command *commands, size_t count);

#endif
