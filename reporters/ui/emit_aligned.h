/*
 * emit_aligned - prints rows of cells as aligned columns: how people see a table that has no sentence.
 */
#ifndef UI_EMIT_ALIGNED_H
#define UI_EMIT_ALIGNED_H

#include "ui/emit.h"

struct aligned_cell {
	char *text;
	int columns; /* on a screen */
	enum ui_paint paint;
};

struct aligned { /* zeroes: no cells */
	struct aligned_cell *cells; /* row by row, one for each column of the table */
	size_t count, room;
};

/* Whether people see that column. */
bool aligned_shows(const struct emit_column *c);
/* The next cell. It takes over the text; NULL: none. False: there is no memory, or no text. */
bool aligned_add(struct aligned *a, char *text, enum ui_paint paint);
/* Prints the rows, and forgets them. False: no memory, now or before: nothing is printed. */
bool aligned_print(struct aligned *a, const struct emit_table *t, bool headings, FILE *f);
void aligned_finish(struct aligned *a);

#endif
