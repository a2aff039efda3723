/*
 * report - what every reporter does before and after its own loop: the common
 * options, opening a capture with the standard messages, the line that says
 * that a capture is not whole.
 */
#ifndef REPORT_H
#define REPORT_H

#include "replay/capture.h"
#include "replay/view.h"
#include "sampled.h"
#include "symbols/stack.h"
#include "ui/ui.h"
#include "unnamed.h"
#include "whole.h"

/* Values of the options that all reporters share; put REPORT_OPTIONS(o) into the option table. */
struct report_options {
	bool json, force, no_skip;
	const char *output;
	uint64_t pid; /* 0: all processes */
	struct ui_list skip_frames;
	const char *failed; /* what could not be done with a file that is no capture; NULL: "Failed to parse ..." */
};

#define REPORT_OPTIONS(o)                                                                          \
	{ 'j', "json", UI_FLAG, &(o).json, NULL, "machine-readable output", 0, 0 },                \
	{ 'o', "output", UI_STRING, &(o).output, "FILE", "write to FILE instead of stdout", 0, 0 },\
	{ 'f', "force", UI_FLAG, &(o).force, NULL, "overwrite FILE", 0, 0 },                       \
	{ 0, "pid", UI_UINT, &(o).pid, "PID", "only this process", 1, UINT32_MAX }

/* In the --help of reports that take CAPTURE@POINT. */
#define REPORT_POINTS                                                                              \
	"Points: CAPTURE@end, @LABEL, @=LABEL (one that looks like another point), @#3 (third\n"   \
	"mark), @1.5s, @90%, @A..B (allocated between, still live at B).\n"

/* For reports that print stacks or locations. */
#define REPORT_STACK_OPTIONS(o)                                                                    \
	{ 0, "no-skip", UI_FLAG, &(o).no_skip, NULL, "show allocator frames, too", 0, 0 },         \
	{ 0, "skip-frame", UI_LIST, &(o).skip_frames, "PATTERN",                                   \
	  "treat functions that match as allocator frames", 0, 0 }

struct report {
	struct capture *capture;
	struct stacks *stacks; /* NULL until report_stacks */
	struct point_range at; /* the point asked for; the peak when none was */
	bool has_point;
	uint32_t process; /* index chosen by --pid, UINT32_MAX: all */
	uint64_t lost; /* events, by the gaps that were read */
	char missing_told[WHOLE_ROOM]; /* what the user was told is missing */
	struct unnamed unnamed; /* zeroes until report_unnamed */
};

/*
 * Opens "CAP" or "CAP@POINT". On failure prints the one line (`No such file: X`,
 * `Failed to parse allocation records in X` with the reason ...) and returns the exit code.
 */
int report_open(struct report *r, const char *operand, const struct report_options *o);
int report_stacks(struct report *r, const struct report_options *o); /* makes r->stacks */
/* view_build with progress on a terminal and errors printed; an exit code. */
int report_view(struct report *r, struct view_options *o, struct view *ret);
/*
 * One line on stderr when something is missing in the capture. report_view and report_close call
 * it: what is known after the events were read is said at once. Says nothing twice.
 */
void report_say_missing(struct report *r);
/* Counts what functions without names allocated, which report_close says and report_json writes. filters: NULL: all passes. */
void report_unnamed(struct report *r, const struct view *v, const struct filters *filters);
/* "complete", "incomplete" and, where it is worth a line, "unnamed". */
void report_json(struct ui_json *j, const struct report *r);
/* Zero-safe. */
void report_close(struct report *r);

#endif
