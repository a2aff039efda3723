/*
 * traceback - a stack printed as tracemalloc prints one:
 *
 *   File "/src/b.c", line 4
 *     <the source line, when it can be read>
 *
 * Source is read only from regular files that everybody may read, so that a
 * report handed on never carries what its reader could not have opened.
 */
#ifndef TRACEBACK_H
#define TRACEBACK_H

#include <stdio.h>

#include "symbols/stack.h"
#include "ui/ui.h"

struct traceback_options {
	bool wanted;
	bool has_limit;
	int64_t limit; /* > 0: the most recent ones, < 0: the oldest ones */
	bool most_recent_first, functions;
};

/* Parses the N of --traceback[=N] ("" or NULL: none). False: no number. */
bool traceback_parse_limit(const char *text, struct traceback_options *o);

/* frames: most recent first. Each line starts with `indent`. */
void traceback_print(FILE *f, const char *indent, const struct source_frame *frames, size_t count,
		     const struct traceback_options *o);

/* The same as an array of objects, most recent first, all of them. */
void traceback_json(struct ui_json *j, const char *key, const struct source_frame *frames,
		    size_t count);

/* Line `line` of the file without the white space around it, malloc'ed; NULL: not to be read. */
char *traceback_source(const char *file, uint32_t line);

#endif
