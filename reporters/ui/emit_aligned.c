/* emit_aligned - see emit_aligned.h. */
#include "ui/emit_aligned.h"

#include <stdlib.h>
#include <string.h>

#include "format/array.h"
#include "ui/emit_layout.h"
#include "ui/fit.h"

bool aligned_shows(const struct emit_column *c)
{
	return c->audience != EMIT_FOR_PROGRAMS && c->heading;
}

bool aligned_add(struct aligned *a, char *text, enum ui_paint paint)
{
	if (!text || !ARRAY_ROOM(a->cells, a->room, a->count + 1, 32)) {
		free(text);
		return false;
	}
	a->cells[a->count++] = (struct aligned_cell){ text, ui_columns(text), paint };
	return true;
}

/* ---- lines ---- */

/* A line of a table under way. */
struct line {
	FILE *file;
	const struct emit_table *table;
	const struct layout *layout;
	int width; /* of the terminal; 0: there is none */
};

/* In its place; the last of a line, if it is left-aligned, has nothing behind it. */
static void print_cell(const struct line *l, const struct place *p, const struct aligned_cell *c, bool last)
{
	const bool left = l->table->columns[p->column].width < 0;
	const int blank = p->width > c->columns ? p->width - c->columns : 0;

	if (!left)
		fprintf(l->file, "%*s", blank, "");
	if (c->paint != UI_PLAIN)
		ui_paint(l->file, c->paint);
	if (p->cut && c->columns > p->width)
		fit_name(l->file, c->text, p->width, ui_utf8());
	else
		fputs(c->text, l->file);
	if (c->paint != UI_PLAIN)
		ui_paint(l->file, UI_PLAIN);
	if (left && !last)
		fprintf(l->file, "%*s", blank, "");
}

/* The places from `first` up to the next break. Returns that. */
static size_t places_of_line(const struct layout *l, size_t first)
{
	size_t end = first + 1;

	while (end < l->count && !l->places[end].breaks)
		end++;
	return end;
}

static void begin_line(const struct line *l, size_t first)
{
	fputs(l->table->before ? l->table->before : "", l->file);
	if (first)
		fprintf(l->file, "%*s", LAYOUT_INDENT, "");
}

/* cells: by column. */
static void print_places(const struct line *l, size_t first, size_t end, const struct aligned_cell *cells)
{
	const struct place *const places = l->layout->places;
	size_t last = first;

	for (size_t i = first; i < end; i++)
		if (*cells[places[i].column].text)
			last = i;
	begin_line(l, first);
	for (size_t i = first; i <= last; i++) {
		fputs(places[i].gap, l->file);
		print_cell(l, &places[i], &cells[places[i].column], i == last);
	}
	fputc('\n', l->file);
}

static void print_row(const struct line *l, const struct aligned_cell *cells)
{
	for (size_t i = 0, end; i < l->layout->count; i = end) {
		end = places_of_line(l->layout, i);
		print_places(l, i, end, cells);
	}
}

/* ---- headings ---- */

/* So many bytes of the heading stand in a line of that width: whole words. */
static size_t heading_part(const char *text, int width, bool folds)
{
	size_t n = strcspn(text, " ");

	if (!folds)
		return strlen(text);
	while (text[n] && n + 1 + strcspn(text + n + 1, " ") <= (size_t)width)
		n += 1 + strcspn(text + n + 1, " ");
	return n;
}

/* Line `number` of a heading; "": it has fewer. */
static struct aligned_cell heading_line(const char *text, int width, bool folds, size_t number, char buf[64])
{
	size_t n = heading_part(text, width, folds);

	for (size_t i = 0; i < number && *text; i++) {
		text += n;
		text += *text == ' ';
		n = heading_part(text, width, folds);
	}
	snprintf(buf, 64, "%.*s", (int)n, text);
	return (struct aligned_cell){ buf, ui_columns(buf), *buf ? UI_HEADING : UI_PLAIN };
}

/* False: there is no memory. */
static bool print_headings(const struct line *l)
{
	struct {
		char text[64];
	} *const texts = calloc(l->table->column_count, sizeof(*texts));
	struct aligned_cell *const cells = calloc(l->table->column_count, sizeof(*cells));

	const bool has_memory = texts && cells;

	for (size_t first = 0, end; has_memory && first < l->layout->count; first = end) {
		bool any = true;

		end = places_of_line(l->layout, first);
		for (size_t number = 0; any; number++) {
			any = false;
			for (size_t i = first; i < end; i++) {
				const struct place *const p = &l->layout->places[i];

				cells[p->column] = heading_line(l->table->columns[p->column].heading, p->width,
								l->layout->folds_headings, number, texts[p->column].text);
				any |= *cells[p->column].text != '\0';
			}
			if (any || !number)
				print_places(l, first, end, cells);
		}
	}
	free(cells);
	free(texts);
	return has_memory;
}

static void forget(struct aligned *a)
{
	for (size_t i = 0; i < a->count; i++)
		free(a->cells[i].text);
	a->count = 0;
}

bool aligned_print(struct aligned *a, const struct emit_table *t, bool headings, FILE *f)
{
	struct layout layout = { 0 };
	const struct line l = { f, t, &layout, ui_screen_width(f) };
	bool whole = a->count % t->column_count == 0 && layout_of(&layout, a, t, l.width); /* else memory was short */

	if (whole && headings)
		whole = print_headings(&l);
	for (size_t i = 0; whole && i < a->count; i += t->column_count)
		print_row(&l, a->cells + i);
	free(layout.places);
	forget(a);
	return whole;
}

void aligned_finish(struct aligned *a)
{
	forget(a);
	free(a->cells);
}
