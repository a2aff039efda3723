/* emit_aligned - see emit_aligned.h. */
#include "ui/emit_aligned.h"

#include <stdlib.h>

#include "format/array.h"

bool aligned_shows(const struct emit_column *c)
{
	return c->audience != EMIT_FOR_PROGRAMS && c->heading;
}

/* Columns on a screen, one per character. */
static int columns_of(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

bool aligned_add(struct aligned *a, char *text)
{
	if (!text || !ARRAY_ROOM(a->cells, a->room, a->count + 1, 32)) {
		free(text);
		return false;
	}
	a->cells[a->count++] = (struct aligned_cell){ text, columns_of(text) };
	return true;
}

/* A cell of `width`; the last of a line, if it is left-aligned, has nothing behind it. */
static void print_cell(FILE *f, const char *text, int used, int width, bool left, bool last)
{
	const int blank = width > used ? width - used : 0;

	if (!left)
		fprintf(f, "%*s", blank, "");
	fputs(text, f);
	if (left && !last)
		fprintf(f, "%*s", blank, "");
}

/* cells: of the row; NULL: the headings. */
static void print_line(FILE *f, const struct emit_table *t, const struct aligned_cell *cells, const int *widths)
{
	size_t last = 0;
	const char *gap = "";

	for (size_t i = 0; i < t->column_count; i++)
		if (aligned_shows(&t->columns[i]) && *(cells ? cells[i].text : t->columns[i].heading))
			last = i;
	fputs(t->before ? t->before : "", f);
	for (size_t i = 0; i <= last; i++) {
		const struct emit_column *const c = &t->columns[i];

		if (!aligned_shows(c))
			continue;
		fputs(*gap || i ? (c->gap ? c->gap : gap) : "", f);
		gap = " ";
		print_cell(f, cells ? cells[i].text : c->heading, cells ? cells[i].columns : columns_of(c->heading), widths[i],
			   c->width < 0, i == last);
	}
	fputc('\n', f);
}

static void find_widths(const struct aligned *a, const struct emit_table *t, int *widths)
{
	const size_t cells = t->fixed_widths ? 0 : a->count;

	for (size_t i = 0; i < t->column_count; i++) {
		const struct emit_column *const c = &t->columns[i];

		widths[i] = abs(c->width);
		if (aligned_shows(c) && !t->no_headings && columns_of(c->heading) > widths[i])
			widths[i] = columns_of(c->heading);
	}
	for (size_t i = 0; i < cells; i++) {
		int *const width = &widths[i % t->column_count];

		*width = a->cells[i].columns > *width ? a->cells[i].columns : *width;
	}
}

static void forget(struct aligned *a)
{
	for (size_t i = 0; i < a->count; i++)
		free(a->cells[i].text);
	a->count = 0;
}

bool aligned_print(struct aligned *a, const struct emit_table *t, bool headings, FILE *f)
{
	int *const widths = calloc(t->column_count, sizeof(*widths));
	const bool whole = widths && a->count % t->column_count == 0; /* else memory was short */

	if (whole) {
		find_widths(a, t, widths);
		if (headings)
			print_line(f, t, NULL, widths);
		for (size_t i = 0; i < a->count; i += t->column_count)
			print_line(f, t, a->cells + i, widths);
	}
	free(widths);
	forget(a);
	return whole;
}

void aligned_finish(struct aligned *a)
{
	forget(a);
	free(a->cells);
}
