/*
 * traceback - a stack printed as tracemalloc prints one:
 *
 *     File "/src/b.c", line 4
 *       <the source line, when it can be read>
 *
 * Source is read only from regular files, and without an option only from files that everybody may read. So a report
 * that is passed on never contains text that its reader could not have opened.
 */
#ifndef TRACEBACK_H
#define TRACEBACK_H

#include <stdio.h>

#include "common/short_paths.h"
#include "symbols/stack.h"
#include "ui/emit.h"

/* Which files' lines are shown: those that everybody may read, all, none. */
enum traceback_sources {
	SOURCES_DEFAULT,
	SOURCES_ALL,
	SOURCES_NONE,
};

struct traceback_options {
	bool wanted;
	bool has_limit;
	int64_t limit; /* > 0: the most recent ones, < 0: the oldest ones */
	bool most_recent_first, functions;
	const char *confidential_files; /* as it was given, or NULL */
	enum traceback_sources sources;
};

#define TRACEBACK_OPTIONS(o)                                                                                \
	UI_OPTION(0, "most-recent-first", UI_FLAG, &(o).most_recent_first, NULL,                            \
		  "print stacks the other way round", 0, 0),                                                \
		UI_OPTION(0, "functions", UI_FLAG, &(o).functions, NULL, "name functions in stacks", 0, 0), \
		TRACEBACK_SOURCES_OPTION(o)
#define TRACEBACK_SOURCES_OPTION(o)                                                                \
	UI_OPTION(0, "confidential-files", UI_STRING, &(o).confidential_files, "default|all|none", \
		  "show source lines of files that everybody may read (default), of all files, or none", 0, 0)

/* Parses the N of --traceback[=N] ("" or NULL: none). False: no number. */
bool traceback_parse_limit(const char *text, struct traceback_options *o);

/*
 * Called after ui_parse. `limit` is the N of --traceback[=N] ("": none; NULL: no stacks are wanted). A value that is
 * no number, and options that would change nothing, are a usage error, which exits. form: see report_form.
 */
void traceback_check(const char *limit, const char *form, struct traceback_options *o);
/* The same for reports that have only TRACEBACK_SOURCES_OPTION. */
void traceback_check_sources(const char *form, struct traceback_options *o);

/*
 * A stack as a table of its own in a row: `key`, most recent frame first, all of them. For people as tracemalloc prints it, as
 * `o` asks; NULL: not at all.
 */
void traceback_emit(struct emit *e, const char *key, const struct source_frame *frames, size_t count, const struct traceback_options *o);
/* What people see of a stack that valgrind's way prints. */
struct traceback_calls {
	uint32_t depth; /* so many of the most recent frames, and a line that says how many more there are, */
	uint32_t least_frames, most_frames; /* ... if the stack stands for several: of so many */
	enum traceback_sources sources; /* whose line stands below the most recent frame */
	const struct short_paths *paths; /* how files are called */
	int64_t not_after; /* files that changed after this second are not what was recorded: their lines are not shown */
};

/* The same, for people as valgrind prints it: "   at malloc (heap.c:12)", "   by main (in /bin/app)". */
void traceback_emit_calls(struct emit *e, const char *key, const struct source_frame *frames, size_t count, const struct traceback_calls *o);
/* The names, the oldest first, as folded stacks have them: "main;fill;malloc". */
void traceback_print_folded(FILE *f, const struct source_frame *frames, size_t count);
/* The same in one cell of CSV: malloc'ed. NULL: it is no CSV, or no memory. */
char *traceback_folded(const struct emit *e, const struct source_frame *frames, size_t count);

/* For people, as tracemalloc does: a line a frame, its source below. */
void traceback_print(FILE *f, const struct source_frame *frames, size_t count, const struct traceback_options *o);
/* "... 100 older frames were cut off", of a frame that is `cut`; the line that stands for them. */
void traceback_print_cut(FILE *f, const char *indent, const struct source_frame *frame);
/* Line `line` of the file without the white space around it, malloc'ed; NULL: not to be shown. */
char *traceback_source(const char *file, uint32_t line, enum traceback_sources sources);
/* Prints the line as a line of its own; nothing if it must not be shown. */
void traceback_print_source(FILE *f, const char *file, uint64_t line, const struct traceback_options *o);
/* The source line of a call, malloc'ed; NULL: not to be shown. */
char *traceback_call_source(const struct source_frame *frame, const struct traceback_calls *o);
/* For people: in a line below, if there is one. */
void traceback_emit_source(struct emit *e, const char *file, uint64_t line, const struct traceback_options *o);

#endif
