/*
 * ui - what every command shares with its user: options, errors, sizes, tables,
 * JSON, output files. Knows nothing of heaps.
 */
#ifndef UI_H
#define UI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit codes of every command. */
enum ui_exit {
	UI_OK = 0,
	UI_CANNOT = 1,
	UI_USAGE = 2,
	UI_GATE = 3,
};

/* ---- errors: one line on stderr, "tracker-stats: what: why; what to do" ---- */
void ui_set_program(const char *name); /* "tracker-stats" */
void ui_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void ui_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* ui_error with "; try 'tracker stats --help'" behind it; exits UI_USAGE. */
void ui_usage_error(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* ---- options ----
 * A command describes its options once; parsing, --help and usage errors follow.
 */
/*
 * UI_OPTIONAL_INT: --name, --name=N or --name N, where N is the option's if it is a number. The text of N goes to the
 * const char*, "" without N.
 * UI_SETTINGS: a file of options of this command, NAME = VALUE in a line. What stands on the command line has the last word.
 */
enum ui_option_type {
	UI_FLAG,
	UI_STRING,
	UI_UINT,
	UI_SIZE,
	UI_LIST,
	UI_OPTIONAL_INT,
	UI_SETTINGS,
};

struct ui_option {
	char short_name; /* 0: none */
	const char *long_name;
	enum ui_option_type type;
	void *value; /* bool*, const char**, uint64_t*, uint64_t*, struct ui_list*, const char**, const char** */
	const char *argument; /* name of the argument in --help */
	const char *help;
	uint64_t min, max; /* UI_UINT, UI_SIZE: inclusive; max 0: no bound */
	const char *const *choices; /* UI_STRING: it must be one of these, up to a NULL; NULL: it may be anything */
	const char *const *offers; /* likewise, but only offered by shells: the command checks it itself */
};

/* One of several that a macro stands for. */
#define UI_OPTION(...)      \
	{                   \
		__VA_ARGS__ \
	}

struct ui_list {
	const char **items; /* NULL-terminated */
	size_t count;
};

/* An option that other commands have, and why it would mean nothing here: the answer to who types it. */
struct ui_absent {
	const char *long_name, *why;
};

struct ui_command {
	const char *name; /* "tracker-stats" */
	const char *usage; /* "[options] CAPTURE" */
	const char *summary; /* one line */
	const char *details; /* shown below the options in --help: examples. May be NULL */
	const struct ui_option *options; /* ends with long_name NULL */
	int min_operands, max_operands; /* max < 0: any number */
	const struct ui_absent *absent; /* up to a NULL; NULL: none */
	const char *variable; /* of the environment, with more options; NULL: none */
	bool is_internal; /* the config file does not matter */
};

/*
 * Parses. On --help / --version prints and exits 0; on a usage error prints one
 * line and exits UI_USAGE. Stops at the first operand only with
 * stop_at_operand ("run"). Returns the index of the first operand.
 */
int ui_parse(const struct ui_command *c, int argc, char **argv, bool stop_at_operand);

/*
 * Exits UI_USAGE with "argument --a: not allowed with argument --b" when both are set. If only one of them stands on the command
 * line, the other has its default again afterwards.
 */
void ui_exclude(const char *a, bool a_set, const char *b, bool b_set);
/* The same if `a` was given on the command line and has no effect, because `b` was not given. */
void ui_needs(const char *a, bool a_set, const char *b, bool b_set);

/* ---- words ---- */
/* The name that may have been meant; NULL: none is near. names: up to a NULL. */
const char *ui_nearest(const char *word, const char *const *names);
/* " (did you mean '--limit'?)", or "": before ("--") stands in front of the name. Returns buf. */
#define UI_MEANT_ROOM 160
char *ui_meant(const char *word, const char *const *names, const char *before, char buf[UI_MEANT_ROOM]);

/* ---- input ---- */
/* A name by which standard input can be opened and read anywhere. NULL: it cannot be read; it has said why. */
const char *ui_standard_input(void);

/* ---- output ----
 * Reports go to stdout or to -o FILE. A file is written beside its place and
 * renamed into it when whole; an existing one needs force.
 */
struct ui_output {
	FILE *file;
	FILE *terminal; /* behind `file`, if that is a screen; NULL: it is none */
	char *path, *temporary; /* NULL: stdout */
	bool replace; /* the path may exist by the time of closing */
};

/* path NULL or "-": stdout. If it cannot be opened, prints why and returns UI_CANNOT; 0: done. */
int ui_output_open(struct ui_output *o, const char *path, bool force);
/* What the user wants of a report on a terminal; put UI_LOOK_OPTIONS(l) into the option table. */
struct ui_look {
	const char *colour;
	bool no_pager;
};
#define UI_LOOK_OPTIONS(l)                                                                                                                  \
	UI_OPTION(0, "color", UI_STRING, &(l).colour, "WHEN", "paint headings and shares: auto, always or never", 0, 0, ui_colour_choices), \
		UI_OPTION(0, "no-pager", UI_FLAG, &(l).no_pager, NULL, "print a long report without a pager", 0, 0)
extern const char *const ui_colour_choices[];
/*
 * After ui_output_open, before anything is written: on a terminal, long output goes through a pager; text for people is
 * fitted into its width. It may be painted anywhere. Replaces `file`.
 */
void ui_output_look(struct ui_output *o, const struct ui_look *look, bool for_people);
/* Flushes, checks every write, and renames. If that fails (full disk, closed pipe), prints why and returns UI_CANNOT. */
int ui_output_close(struct ui_output *o);
void ui_output_discard(struct ui_output *o);

/* ---- numbers ---- */
/* tracemalloc's _format_size: "583 KiB", "10239 B"; sign: always with + or -. Returns buf. */
char *ui_size(char *buf, size_t room, int64_t bytes, bool sign);
/* The same of a fraction (an average), rounded as CPython does: half to even. */
char *ui_size_fraction(char *buf, size_t room, double bytes, bool sign);
/* "3 processes were not recorded: tracker info says why": of a recording, and of a capture. Returns buf. */
#define UI_UNRECORDED_ROOM 96u
char *ui_unrecorded(char buf[UI_UNRECORDED_ROOM], uint64_t processes);
/* "1.5s", "200ms", "3m"; plain numbers are seconds. False: not a duration. */
bool ui_parse_duration(const char *text, uint64_t *ret_ns);
/*
 * "4096", "100MB" (1000s), "100MiB" and "1.5g" (1024s), in any case. False: not a size.
 */
bool ui_parse_size(const char *text, uint64_t *ret_bytes);
/* The shortest form that parses back to the same number; "" for a value that is no number. Returns buf. */
char *ui_double(double value, char *buf, size_t room);
/* "1,284,331" */
char *ui_count(char *buf, size_t room, uint64_t n);

/*
 * Closes a stream that open_memstream(text, ...) began. Returns the text, malloc'ed; NULL if there was no memory for
 * a part of it.
 */
char *ui_memstream_end(FILE *m, char *const *text);

/* ---- text ---- */
/* Writes s with control characters and invalid UTF-8 made harmless for a terminal. */
void ui_text(FILE *f, const char *s);
/* The same; on a terminal it is not cut, but goes on in further lines. */
void ui_prose(FILE *f, const char *s);
/* The same as text of HTML or XML, in quotes or not. */
void ui_markup(FILE *f, const char *s);
/* The first character of s, of n > 0 bytes, made harmless in the same way. Returns how many of the bytes it is. */
#define UI_PIECE_ROOM 16u
size_t ui_piece(const char *s, size_t n, char piece[UI_PIECE_ROOM]);
bool ui_utf8(void); /* the user's locale is UTF-8 */
/* How many columns of a terminal s takes. */
int ui_columns(const char *s);

/* ---- terminals ---- */
/* 0: it is no terminal. ret_height: in lines; may be NULL. */
int ui_terminal_width(FILE *f, int *ret_height);
/* Columns into which the text of a report must fit that is written to f; 0: nothing bounds it. */
int ui_screen_width(const FILE *f);

enum ui_paint {
	UI_PLAIN,
	UI_HEADING,
	UI_LARGE,
	UI_MIDDLE,
};
/* What follows is painted so, up to UI_PLAIN. Writes nothing where colours are not wanted. */
void ui_paint(FILE *f, enum ui_paint paint);
enum ui_paint ui_share_paint(double percent);

/* ---- progress: a line on a terminal's stderr, nothing elsewhere ---- */
struct ui_progress {
	const char *what;
	uint64_t total, next;
	uint64_t started_ns, looked_ns;
	bool shown;
};
void ui_progress_start(struct ui_progress *p, const char *what, uint64_t total);
void ui_progress_step(struct ui_progress *p, uint64_t done);
void ui_progress_end(struct ui_progress *p);

/* ---- JSON: a streaming writer ----
 * Strings are escaped so that they are safe inside <script>, too; invalid UTF-8
 * becomes U+FFFD. Nesting mistakes are ours: asserted.
 */
struct ui_json {
	FILE *file;
	bool compact; /* one line */
	int depth, room;
	char *levels; /* of each open level: what closes it, and whether it is still empty */
};
void ui_json_init(struct ui_json *j, FILE *f, bool compact);
/* The last ui_json_end writes a newline and releases what the writer holds. */
/* Opens the top object of a report: "schema": "tracker.stats", "schema_version": 1. */
void ui_json_begin_report(struct ui_json *j, const char *schema, unsigned version);
void ui_json_object(struct ui_json *j, const char *key); /* key NULL inside arrays and at the top */
void ui_json_array(struct ui_json *j, const char *key);
void ui_json_end(struct ui_json *j);
void ui_json_string(struct ui_json *j, const char *key, const char *value); /* NULL: null */
void ui_json_string_n(struct ui_json *j, const char *key, const char *value, size_t n);
void ui_json_uint(struct ui_json *j, const char *key, uint64_t value);
void ui_json_int(struct ui_json *j, const char *key, int64_t value);
void ui_json_double(struct ui_json *j, const char *key, double value); /* no number: null */
void ui_json_bool(struct ui_json *j, const char *key, bool value);
void ui_json_null(struct ui_json *j, const char *key);

#endif
