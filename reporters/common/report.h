/*
 * report - what every reporter does before and after its own work: the common options, opening a capture with the
 * standard messages, and the line that says what a capture lacks.
 */
#ifndef REPORT_H
#define REPORT_H

#include "common/domains.h"
#include "common/filter.h"
#include "replay/capture.h"
#include "replay/view.h"
#include "common/sampled.h"
#include "symbols/stack.h"
#include "ui/emit.h"
#include "common/arenas.h"
#include "common/unnamed.h"
#include "common/completeness.h"

/* Values of the options that all reporters share; put REPORT_OPTIONS(o) into the option table. */
struct report_options {
	bool json, csv, quiet, force, no_skip;
	bool keep_interpreter; /* stacks have the interpreter's frames between Python's, with a mark: the report hides them itself */
	const char *output;
	uint64_t pid; /* 0: all processes */
	const char *thread; /* NULL: all */
	struct ui_list skip_frames;
	struct ui_look look;
	const char *failed; /* what could not be done with a file that is no capture; NULL: "Failed to parse ..." */
};

#define REPORT_OPTIONS(o)                                                                                          \
	UI_OPTION('j', "json", UI_FLAG, &(o).json, NULL, "machine-readable output", 0, 0),                         \
		UI_OPTION('o', "output", UI_STRING, &(o).output, "FILE", "write to FILE instead of stdout", 0, 0), \
		UI_OPTION('f', "force", UI_FLAG, &(o).force, NULL, "overwrite FILE", 0, 0),                        \
		UI_LOOK_OPTIONS((o).look),                                                                         \
		UI_OPTION(0, "pid", UI_UINT, &(o).pid, "PID", "only this process", 1, UINT32_MAX)

/*
 * For reports of rows: the one option that bounds them. People see `by_default` rows unless it is given; programs see all.
 */
#define REPORT_LIMIT_UNSET UINT64_MAX
#define REPORT_LIMIT_OPTION(limit, by_default) \
	UI_OPTION('n', "limit", UI_UINT, &(limit), "N", "rows to print (default " #by_default ", in JSON and CSV all; 0: all)", 0, 0)

/* For reports of rows of which each belongs to a thread. */
#define REPORT_THREAD_OPTION(o)                                       \
	UI_OPTION(0, "thread", UI_STRING, &(o).thread, "TID|PATTERN", \
		  "only what this thread allocated, or threads whose names match", 0, 0)

/* For those that report_main runs; and, of these, for those whose exit code says something. */
#define REPORT_CSV_OPTION(o) \
	UI_OPTION(0, "csv", UI_FLAG, &(o).csv, NULL, "comma-separated values, for spreadsheets", 0, 0)
#define REPORT_QUIET_OPTION(o) \
	UI_OPTION('q', "quiet", UI_FLAG, &(o).quiet, NULL, "print nothing, only set the exit status", 0, 0)

/* For the --help of reports that take CAPTURE@POINT. */
#define REPORT_POINTS                                                                                \
	"Points: CAPTURE@end, @LABEL, @=LABEL (if LABEL looks like another point), @#3 (the third\n" \
	"mark), @1.5s, @90%, @A..B (blocks allocated between A and B and still live at B).\n"

/* For reports that print stacks or locations. */
#define REPORT_STACK_OPTIONS(o)                                                                                                        \
	UI_OPTION(0, "no-skip", UI_FLAG, &(o).no_skip, NULL, "show frames of allocators, and of Python's interpreter, as well", 0, 0), \
		UI_OPTION(0, "skip-frame", UI_LIST, &(o).skip_frames, "PATTERN",                                                       \
			  "treat functions that match as allocator frames", 0, 0)

/* The parts that every report of the heap has. A report keeps its own findings elsewhere. */
struct report {
	struct capture *capture;
	struct stacks *stacks; /* NULL until report_stacks */
	const char *operand; /* as it was given */
	struct point_range at; /* the point that was asked for, or the peak */
	bool has_point;
	uint32_t process; /* index chosen by --pid, UINT32_MAX: all */
	uint64_t lost; /* events, by the gaps that were read */
	bool told_inside; /* the report says itself what is missing: nothing more on stderr */
	char missing_told[COMPLETENESS_ROOM]; /* the line about missing parts that the user has read */
	struct unnamed unnamed; /* zeroes until report_unnamed, */
	struct arenas arenas; /* ... and these */
	struct view_options asked; /* by report_main: the question, */
	bool nameless; /* ... which needs neither names nor domains, */
	bool *threads, threads_apart; /* ... of these threads only (NULL: of all), which it tells apart anyhow, */
	struct view view; /* ... its answer, */
	uint8_t *passes; /* ... by node, whether its blocks count: narrow_events, */
	struct filters filters; /* ... of which these count, */
	struct domains domains; /* ... by domain */
};

/*
 * Opens "CAP" or "CAP@POINT". On failure prints the one line (`No such file: X`,
 * `Failed to parse allocation records in X` with the reason ...) and returns the exit code.
 */
int report_open(struct report *r, const char *operand, const struct report_options *o);
/* The option that asks for output for programs: "--json", "--csv"; NULL: it is for people. */
const char *report_form(const struct report_options *o);
int report_stacks(struct report *r, const struct report_options *o); /* makes r->stacks */
/*
 * The names of domains in r->filters are those of the capture. If it has not all of them, says so and returns an exit code, unless
 * that may be.
 */
int report_settle_filters(struct report *r, bool may_lack);
/* How many of `all` rows the report shows, by the value of REPORT_LIMIT_OPTION. */
size_t report_rows(const struct report_options *o, uint64_t limit, size_t by_default, size_t all);
/* Lines of text that a report may have if no option asks for more. */
#define REPORT_LINES 60u
/* view_build with progress on a terminal and errors printed; an exit code. */
int report_view(struct report *r, struct view_options *o, struct view *ret);
/*
 * One line on stderr when something is missing in the capture. report_view and report_close call
 * it: what is known after the events were read is said at once. Says nothing twice.
 */
void report_say_missing(struct report *r);
/*
 * Counts the bytes that functions without names allocated. report_close and report_figures report them. filters:
 * NULL: all rows pass.
 */
void report_unnamed(struct report *r, const struct view *v, const struct filters *filters);
/* "complete", "incomplete", where it is worth a line, "unnamed", and with Python frames "python_arenas". */
void report_figures(struct emit *e, const struct report *r);
/* Zero-safe. */
void report_close(struct report *r);

/* ---- a report ---- */

struct selection_options;

/*
 * What a report is. The file of a report fills in one, and passes it to report_main in its main. Functions may be
 * NULL. Those that return an int return 0 or TRK_ERR_NOMEM, unless the comment says otherwise.
 */
struct report_kind {
	const struct ui_command *command;
	const char *schema; /* of its JSON: "tracker.stats" */
	const char *table; /* key of the table that --csv writes; NULL: all figures */
	const char *(*choose_table)(void); /* for options that decide it; NULL: it is `table` */
	struct report_options *common;
	struct selection_options *selection; /* NULL: the report chooses itself, in `ask` */
	struct filter_options *filtering; /* NULL: it has no filters */
	bool of_two; /* it takes two captures; `ask` and the others get an array of them, */
	const struct ui_list *more[2]; /* ... and behind these of further captures: first those that belong to the first one, then those of the second */
	bool narrows_events; /* totals are those of the blocks that --thread and filters choose, too */
	bool of_tables; /* it reads no events, and names no frames */
	bool reads_itself; /* it asks for no view: `find` reads the events, and sets r->lost */
	const bool *wants_other_form; /* an option asks for a form that emit has not: write_other_form writes it; NULL: there is none */

	/* After the options are parsed: those that contradict each other are a usage error, which exits. */
	void (*check)(struct report *r);
	/* Before the capture is opened. An exit code; it has said why. */
	int (*prepare)(struct report *r);
	/* The question, when the capture is open: sets r->asked. A usage error exits. */
	void (*ask)(struct report *r);
	/* What it shows, from the view. Or the exit code of a second report_view, which has said why. */
	int (*find)(struct report *r);
	/* Describes it. */
	int (*describe)(struct report *r, struct emit *e);
	/* In place of that, if it is wanted. */
	int (*write_other_form)(struct report *r, FILE *f);
	/* Called when everything is written: UI_OK, or UI_GATE after a message that says why. */
	int (*gate)(const struct report *r);
	void (*finish)(void);
};

/* To which of two captures the one with that number belongs: 0 or 1. */
size_t report_side(const struct report_kind *kind, size_t number);

/* The whole program: options, capture, output, errors. Returns its exit code. */
int report_main(const struct report_kind *kind, int argc, char **argv);

#endif
