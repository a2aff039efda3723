/*
 * emit_layout - where the columns of an aligned table stand.
 *
 * Without a terminal, they stand in their order. On one, the column of names stands last, and if the rows are wider than the
 * terminal, columns become as narrow as their cells, names are cut, and last of all a row takes several lines.
 */
#ifndef UI_EMIT_LAYOUT_H
#define UI_EMIT_LAYOUT_H

#include "ui/emit_aligned.h"

#define LAYOUT_INDENT 4 /* of further lines of a row */

struct place {
	size_t column;
	int width;
	bool cut; /* its cells may be wider: they are cut */
	bool breaks; /* a further line begins here */
	const char *gap; /* in front of it */
};

struct layout {
	struct place *places; /* of the columns that people see */
	size_t count;
	bool folds_headings; /* a heading may take several lines, one for each word */
};

/* width: of the terminal; 0: there is none. False: there is no memory. */
bool layout_of(struct layout *l, const struct aligned *a, const struct emit_table *t, int width);

#endif
