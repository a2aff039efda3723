/*
 * sheet - the text of a report that fits on one screen: lines that are never wider than the terminal (or than 80
 * columns where none is), and never more of them than a screen has. In a line that is too long the name is cut in the middle.
 */
#ifndef REPORT_SHEET_H
#define REPORT_SHEET_H

#include "ui/emit.h"

#define SHEET_LINES 23u /* a screen of 24 has one more, for what the user types */

struct sheet {
	struct emit *emit;
	int width;
	unsigned left; /* lines that may still be printed */
	bool utf8;
	bool no_memory; /* a line is missing for that reason */
};

/* file: where the text goes. */
void sheet_begin(struct sheet *s, struct emit *e, FILE *file);
/* A name between two texts; each may be NULL. */
void sheet_line(struct sheet *s, const char *before, const char *name, const char *after);
/* A name behind a text that is painted, a text that belongs to it and stays whole, and further texts, each of which is left out if it has no room. */
#define SHEET_EXTRAS 2u
struct sheet_name {
	const char *name, *kept;
	const char *extras[SHEET_EXTRAS]; /* NULL: there is none; the first is left out first */
};
void sheet_named(struct sheet *s, const char *before, enum ui_paint paint, const struct sheet_name *n);
/* A line, and at its right end the command that says more: "tracker leaks app.bin", or less of it if it has no room. */
void sheet_heading(struct sheet *s, const char *text, const char *command, const char *operand);
/* The same with a name in the text, which loses its middle before the command is left out. The further texts of the name are not used. */
void sheet_named_heading(struct sheet *s, const char *before, const struct sheet_name *n, const char *command, const char *operand);
/* A text in at most so many lines, divided between words; it is cut where they end. */
void sheet_text(struct sheet *s, const char *text, unsigned lines);

#endif
