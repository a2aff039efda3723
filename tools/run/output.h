/*
 * output - the capture file on disk: private, never over somebody else's file,
 * never through a symbolic link.
 */
#ifndef RUN_OUTPUT_H
#define RUN_OUTPUT_H

#include <limits.h>
#include <stdbool.h>

struct output {
	int fd; /* -1: none */
	char path[PATH_MAX];
	char temporary[PATH_MAX]; /* "" : written in its place */
	bool created;		  /* ours to remove when nothing is recorded */
};

/*
 * Opens `path` for writing; an existing file needs `force` and stays untouched
 * until output_keep. Devices and pipes are written to as they are. False, and
 * the reason is printed.
 */
bool output_open(struct output *o, const char *path, bool force);

/* The program has started: from here on the file stands under its name (o->path tells it). */
void output_keep(struct output *o);

/* Nothing is recorded: leaves no trace. */
void output_discard(struct output *o);

#endif
