/*
 * emit - a report is described once, as figures, tables, trees and sentences. Back ends make of it a text for people, JSON,
 * CSV, or nothing.
 *
 *	emit_figure(e, "total_count", emit_count(n));
 *	emit_figure(e, "total_bytes", emit_size(bytes));
 *	emit_say(e, "Total: {total_count} block{total_count:s}, {total_bytes}\n");
 *
 * A figure has a key: its name in JSON and CSV, and in the sentences, which are for people only. A type says how people read
 * it. What lies in a group is called group.key in CSV and in sentences outside of it.
 *
 * Sentences: {KEY} is the figure as people read it, with its margin. {KEY:s} is "s" unless the figure is 1, {KEY:n} a number without
 * separators, {KEY:bare} the figure without its margin, {KEY:KiB} bytes as KiB with one digit, {KEY:hex} hexadecimal digits, {KEY:share} a share in percent without its sign,
 * {KEY:prose} words that a terminal does not cut as it cuts names. What stands in [ ] is left out
 * when a figure in it is absent or null; [[, ]] and {{ are brackets and a brace. Text of figures is made harmless for a terminal.
 *
 * Nothing here fails at once: emit_end_all says whether memory was short. Mistakes in the description (a key that no
 * figure has, an end too many) are ours: asserted. Keys and tables must outlive the emitter; values are copied where need be.
 */
#ifndef UI_EMIT_H
#define UI_EMIT_H

#include "ui/ui.h"

enum emit_form {
	EMIT_PEOPLE,
	EMIT_JSON,
	EMIT_JSON_LINE, /* all in one line */
	EMIT_CSV,
	EMIT_NOTHING,
};

enum emit_type {
	EMIT_ABSENT, /* neither JSON nor people see it; an empty cell */
	EMIT_NULL,
	EMIT_WORDS,
	EMIT_COUNT, /* "1,234" */
	EMIT_NUMBER, /* "1234": ids, lines, thresholds */
	EMIT_SIZE, /* bytes: "1.2 MiB" */
	EMIT_AVERAGE, /* bytes, a fraction */
	EMIT_CHANGE, /* "+12" */
	EMIT_SIZE_CHANGE, /* "+1.2 MiB" */
	EMIT_TIME, /* ns: "0.123 s" */
	EMIT_TENTHS, /* ns: "0.1 s" */
	EMIT_RATIO, /* "12.34" */
	EMIT_PERCENT, /* "12.34%" */
	EMIT_FLAG,
};

struct emit_value {
	enum emit_type type;
	bool has_margin;
	uint64_t margin; /* the truth is at most so far off */
	union {
		const char *words;
		uint64_t number;
		int64_t change;
		double ratio;
		bool flag;
	};
};

static inline struct emit_value emit_absent(void) { return (struct emit_value){ .type = EMIT_ABSENT }; }
static inline struct emit_value emit_null(void) { return (struct emit_value){ .type = EMIT_NULL }; }
/* NULL: null. */
static inline struct emit_value emit_words(const char *s) { return (struct emit_value){ .type = s ? EMIT_WORDS : EMIT_NULL, .words = s }; }
/* NULL: absent. */
static inline struct emit_value emit_optional(const char *s) { return (struct emit_value){ .type = s ? EMIT_WORDS : EMIT_ABSENT, .words = s }; }
static inline struct emit_value emit_count(uint64_t n) { return (struct emit_value){ .type = EMIT_COUNT, .number = n }; }
static inline struct emit_value emit_number(uint64_t n) { return (struct emit_value){ .type = EMIT_NUMBER, .number = n }; }
static inline struct emit_value emit_size(uint64_t n) { return (struct emit_value){ .type = EMIT_SIZE, .number = n }; }
static inline struct emit_value emit_average(double n) { return (struct emit_value){ .type = EMIT_AVERAGE, .ratio = n }; }
static inline struct emit_value emit_change(int64_t n) { return (struct emit_value){ .type = EMIT_CHANGE, .change = n }; }
static inline struct emit_value emit_size_change(int64_t n) { return (struct emit_value){ .type = EMIT_SIZE_CHANGE, .change = n }; }
static inline struct emit_value emit_time(uint64_t ns) { return (struct emit_value){ .type = EMIT_TIME, .number = ns }; }
static inline struct emit_value emit_tenths(uint64_t ns) { return (struct emit_value){ .type = EMIT_TENTHS, .number = ns }; }
static inline struct emit_value emit_ratio(double n) { return (struct emit_value){ .type = EMIT_RATIO, .ratio = n }; }
static inline struct emit_value emit_percent(double n) { return (struct emit_value){ .type = EMIT_PERCENT, .ratio = n }; }
static inline struct emit_value emit_flag(bool f) { return (struct emit_value){ .type = EMIT_FLAG, .flag = f }; }
/* The same with its margin; is_estimate false: as it is. */
static inline struct emit_value emit_about(struct emit_value v, bool is_estimate, uint64_t margin)
{
	v.has_margin = is_estimate;
	v.margin = is_estimate ? margin : 0;
	return v;
}

/* ---- the document ---- */

struct emit;

/*
 * file stays the caller's. table: the key of the table of which CSV is made; NULL: CSV has a line "key,value" for
 * each figure. NULL: there is no memory.
 */
struct emit *emit_new(enum emit_form form, FILE *file, const char *table);
/*
 * Closes everything that is open, and frees. Accepts NULL. -2 (TRK_ERR_NOMEM) if something is missing because there
 * was no memory; otherwise 0.
 */
int emit_end_all(struct emit *e);
/* Begins the document: "schema": "tracker.stats", "schema_version": 1. */
void emit_document(struct emit *e, const char *schema, unsigned version);

enum emit_form emit_form(const struct emit *e);
/* The stream of the text for people, for output that no sentence can describe; NULL: the output is not for people. */
FILE *emit_people(struct emit *e);
/* The JSON writer, for output that is too large to be described; NULL: the output is not JSON. */
struct ui_json *emit_json(struct emit *e);

void emit_figure(struct emit *e, const char *key, struct emit_value v);
/* For programs only: no sentence names the figure, and it is not kept. For figures whose number depends on the capture. */
void emit_data(struct emit *e, const char *key, struct emit_value v);
/* For sentences only. */
void emit_aside(struct emit *e, const char *key, struct emit_value v);
/* A figure, and for people a line: before, its key, ": ", its value. */
void emit_line(struct emit *e, const char *before, const char *key, struct emit_value v);
/* A sentence, or several. */
void emit_say(struct emit *e, const char *sentence);
/* JSON has margins behind the figures of their object: at this place, or else at the next group, table or end. */
void emit_margins(struct emit *e);

/* Figures under one name; emit_end. */
void emit_group(struct emit *e, const char *key);
/* Texts under one name, each of them for people in a line behind `before`. */
void emit_texts(struct emit *e, const char *key, const char *before, const char *const *texts, size_t count);

/* ---- tables ---- */

enum emit_audience {
	EMIT_FOR_ALL,
	EMIT_FOR_PEOPLE,
	EMIT_FOR_PROGRAMS,
};

struct emit_column {
	const char *key;
	enum emit_audience audience;
	/* Of tables without a sentence, for people: */
	const char *heading;
	int width; /* at least; < 0: left-aligned */
	const char *gap; /* in front of it; NULL: one space */
};

struct emit_table {
	const char *key;
	const struct emit_column *columns;
	size_t column_count;
	const char *sentence; /* for people, each row; "": people do not see it; NULL: columns, aligned */
	const char *before; /* aligned rows: in front of each; may be NULL */
	bool fixed_widths; /* rows are printed as they come, and need no memory; wider cells stand out */
	bool no_headings;
	bool bare_cells; /* without margins */
};

#define EMIT_TABLE(name, c) .key = (name), .columns = (c), .column_count = sizeof(c) / sizeof(*(c))

/* Then rows, and emit_end. */
void emit_table(struct emit *e, const struct emit_table *t);
/* As many values as the table has columns. */
void emit_row(struct emit *e, const struct emit_value *values);
/* A row that holds tables or figures of its own, up to emit_end. */
void emit_row_begin(struct emit *e, const struct emit_value *values);
void emit_end(struct emit *e);

/* ---- trees ---- */

struct emit_branch {
	const struct emit_value *values; /* of t's columns */
	bool leaf; /* nothing hangs below it */
	bool only, last; /* among those that hang where it hangs */
};

/*
 * A branch, then those below it, and emit_end. key: of the root. t: columns, and the sentence for people, before which the tree
 * is drawn; the same for all branches.
 */
void emit_branch(struct emit *e, const char *key, const struct emit_table *t, const struct emit_branch *b);

/*
 * For code that writes cells of CSV without an emit: puts quotes where they are needed; bytes that are no UTF-8
 * become U+FFFD, as in JSON.
 */
void emit_csv_words(FILE *f, const char *s, size_t n);

#endif
