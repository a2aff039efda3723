/* emit_layout - see emit_layout.h. */
#include "ui/emit_layout.h"

#include <stdlib.h>
#include <string.h>

#define NAME_ENOUGH 24 /* columns; before names become shorter, the other columns do, */
#define NAME_LEAST 16 /* ... and before they become shorter than that, they get a line of their own */

/* ---- widths ---- */

static int widest_cell(const struct aligned *a, const struct emit_table *t, size_t column)
{
	int widest = 0;

	for (size_t i = column; i < a->count; i += t->column_count)
		widest = a->cells[i].columns > widest ? a->cells[i].columns : widest;
	return widest;
}

static int larger(int a, int b)
{
	return a > b ? a : b;
}

static int usual_width(const struct aligned *a, const struct emit_table *t, size_t column, bool by_cells)
{
	const struct emit_column *const c = &t->columns[column];
	const int heading = t->no_headings ? 0 : ui_columns(c->heading);

	return larger(larger(abs(c->width), heading), by_cells ? widest_cell(a, t, column) : 0);
}

static int longest_word(const char *text)
{
	int longest = 0, n = 0;

	for (; *text; text++) {
		n = *text == ' ' ? 0 : n + 1;
		longest = larger(longest, n);
	}
	return longest;
}

static int narrow_width(const struct aligned *a, const struct emit_table *t, size_t column)
{
	return larger(widest_cell(a, t, column), t->no_headings ? 0 : longest_word(t->columns[column].heading));
}

/* ---- places ---- */

/* The column of names: one with a heading, left-aligned. SIZE_MAX: there is none. */
static size_t name_column(const struct emit_table *t)
{
	for (size_t i = 0; i < t->column_count; i++)
		if (aligned_shows(&t->columns[i]) && *t->columns[i].heading && t->columns[i].width < 0)
			return i;
	return SIZE_MAX;
}

static void add_place(struct layout *l, const struct emit_table *t, size_t column)
{
	const char *const gap = t->columns[column].gap ? t->columns[column].gap : " ";

	l->places[l->count] = (struct place){ .column = column, .gap = l->count ? gap : "" };
	l->count++;
}

static void place_all(struct layout *l, const struct emit_table *t, size_t last)
{
	for (size_t i = 0; i < t->column_count; i++)
		if (aligned_shows(&t->columns[i]) && i != last)
			add_place(l, t, i);
	if (last == SIZE_MAX)
		return;
	add_place(l, t, last);
	if (l->count > 1)
		l->places[l->count - 1].gap = "  ";
}

/* What stands in front of each row is a tab or a few blanks. */
static int before_columns(const struct emit_table *t)
{
	const char *const before = t->before ? t->before : "";

	return *before == '\t' ? 8 : ui_columns(before);
}

static int whole_width(const struct layout *l, const struct emit_table *t)
{
	int sum = before_columns(t);

	for (size_t i = 0; i < l->count; i++)
		sum += l->places[i].width + ui_columns(l->places[i].gap);
	return sum;
}

static void break_lines(struct layout *l, const struct emit_table *t, int width)
{
	int column = before_columns(t);

	for (size_t i = 0; i < l->count; i++) {
		struct place *const p = &l->places[i];
		const int needed = p->cut && p->width > NAME_LEAST ? NAME_LEAST : p->width;

		if (i && column + ui_columns(p->gap) + needed > width) {
			p->breaks = true;
			p->gap = "";
			column = before_columns(t) + LAYOUT_INDENT;
		}
		const int room = width - column - ui_columns(p->gap);

		if (p->cut && p->width > room)
			p->width = larger(room, 1);
		column += ui_columns(p->gap) + p->width;
	}
}

static void fit_into(struct layout *l, const struct aligned *a, const struct emit_table *t, int width)
{
	struct place *const last = &l->places[l->count - 1];
	const bool has_name = t->columns[last->column].width < 0;
	const int name = last->width, enough = name < NAME_ENOUGH ? name : NAME_ENOUGH;

	if (has_name && whole_width(l, t) - name + enough <= width) {
		last->cut = true;
		break_lines(l, t, width);
		return;
	}
	l->folds_headings = true;
	for (size_t i = 0; i < l->count; i++)
		l->places[i].width = narrow_width(a, t, l->places[i].column);
	last->cut = has_name;
	break_lines(l, t, width);
}

bool layout_of(struct layout *l, const struct aligned *a, const struct emit_table *t, int width)
{
	*l = (struct layout){ .places = calloc(t->column_count, sizeof(*l->places)) };
	if (!l->places)
		return false;
	place_all(l, t, width ? name_column(t) : SIZE_MAX);
	for (size_t i = 0; i < l->count; i++)
		l->places[i].width = usual_width(a, t, l->places[i].column, width || !t->fixed_widths);
	if (width && l->count && whole_width(l, t) > width)
		fit_into(l, a, t, width);
	return true;
}
