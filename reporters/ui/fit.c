/* fit - see fit.h. */
#include "ui/fit.h"

#include <stdlib.h>
#include <string.h>

#include "ui/ui_private.h"

#define NAME_LEAST 8 /* columns; a name that had to be shorter would say nothing */
#define TAB 8

/* A character, an escape sequence, or the blanks of a tab. */
struct glyph {
	const char *at;
	size_t bytes;
	int columns;
	int name; /* number of the name that it belongs to, from 1; 0: none */
};

struct fitting {
	FILE *file;
	struct glyph *glyphs;
	size_t count;
	int width, names, hang;
	bool utf8;
};

/* ---- from bytes to glyphs ---- */

/* "ESC [ ... m", in which this program paints. */
static size_t escape_bytes(const char *s, const char *end)
{
	const char *at = s;

	if (end - s < 3 || s[0] != '\033' || s[1] != '[')
		return 0;
	while (at < end && *at != 'm')
		at++;
	return at < end ? (size_t)(at - s) + 1 : 0;
}

static struct glyph glyph_at(const char *s, const char *end, int column, int name)
{
	static const char blanks[] = "        ";
	const size_t escape = escape_bytes(s, end);
	uint32_t code = 0;

	if (escape)
		return (struct glyph){ s, escape, 0, 0 };
	if (*s == '\t')
		return (struct glyph){ blanks, (size_t)(TAB - column % TAB), TAB - column % TAB, name };

	const size_t bytes = ui_utf8_decode(s, (size_t)(end - s), &code);

	return (struct glyph){ s, bytes ? bytes : 1, bytes ? ui_code_columns(code) : 1, name };
}

static int read_glyphs(struct fitting *f, const char *line, size_t bytes)
{
	const char *const end = line + bytes;
	int column = 0, name = 0;

	for (const char *s = line; s < end;) {
		if (*s == FIT_NAME || *s == FIT_NAME_END || *s == FIT_HANG) {
			name = *s == FIT_NAME ? ++f->names : *s == FIT_NAME_END ? 0 :
										  name;
			f->hang = *s == FIT_HANG ? column : f->hang;
			s++;
			continue;
		}
		const struct glyph g = glyph_at(s, end, column, name);

		f->glyphs[f->count++] = g;
		column += g.columns;
		s += *s == '\t' ? 1 : g.bytes;
	}
	return column;
}

/* ---- names ---- */

static int columns_of(const struct glyph *g, size_t n)
{
	int sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += g[i].columns;
	return sum;
}

static void print_glyphs(const struct fitting *f, const struct glyph *g, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fwrite(g[i].at, 1, g[i].bytes, f->file);
}

/* Its first and its last characters. What combines with a character stays with it. */
static void print_cut(const struct fitting *f, const struct glyph *g, size_t n, int width)
{
	const char *const dots = f->utf8 ? "\xe2\x80\xa6" : "...";
	const int dot_columns = f->utf8 ? 1 : 3;
	const int room = width > dot_columns ? width - dot_columns : 0;
	int head = (room + 1) / 2, tail = room - head;
	size_t front = 0, back = n;

	if (columns_of(g, n) <= width) {
		print_glyphs(f, g, n);
		return;
	}
	while (front < n && g[front].columns <= head)
		head -= g[front++].columns;
	while (back > front && g[back - 1].columns <= tail)
		tail -= g[--back].columns;
	while (back < n && g[back].columns == 0)
		back++;
	print_glyphs(f, g, front);
	fputs(width >= dot_columns ? dots : "", f->file);
	print_glyphs(f, g + back, n - back);
}

/* How many glyphs from this one on belong to the same name, or to none. */
static size_t same_name(const struct glyph *g, size_t n)
{
	size_t i = 1;

	while (i < n && g[i].name == g[0].name)
		i++;
	return i;
}

/* The width of these glyphs if no name in them is longer than `longest`. */
static int width_if(const struct glyph *g, size_t n, int longest)
{
	int sum = 0;

	for (size_t i = 0; i < n;) {
		const size_t run = same_name(g + i, n - i);
		const int columns = columns_of(g + i, run);

		sum += g[i].name && columns > longest ? longest : columns;
		i += run;
	}
	return sum;
}

/* The longest that names may be so that all fits into so many columns; 0: they would be too short. */
static int longest_name(const struct glyph *g, size_t n, int width)
{
	int longest = width;

	while (longest >= NAME_LEAST && width_if(g, n, longest) > width)
		longest--;
	return longest >= NAME_LEAST ? longest : 0;
}

static void print_with(const struct fitting *f, const struct glyph *g, size_t n, int longest)
{
	for (size_t i = 0; i < n;) {
		const size_t run = same_name(g + i, n - i);

		if (g[i].name)
			print_cut(f, g + i, run, longest);
		else
			print_glyphs(f, g + i, run);
		i += run;
	}
}

/* ---- further lines ---- */

static bool is_blank(const struct glyph *g)
{
	return !g->name && *g->at == ' ';
}

static int leading_blanks(const struct fitting *f)
{
	size_t n = 0;

	while (n < f->count && is_blank(&f->glyphs[n]))
		n++;
	return columns_of(f->glyphs, n);
}

static int indentation(const struct fitting *f)
{
	const int wanted = f->hang ? f->hang : leading_blanks(f) + 4;

	if (wanted <= f->width / 2)
		return wanted;
	return f->width >= 16 ? 4 : 0;
}

/* A word that is wider than a line: it goes on in the next one. Returns the column behind it. */
static int print_broken(const struct fitting *f, const struct glyph *g, size_t n, int column, int indent)
{
	for (size_t i = 0; i < n; i++) {
		if (column + g[i].columns > f->width && column > indent) {
			fprintf(f->file, "\n%*s", indent, "");
			column = indent;
		}
		print_glyphs(f, g + i, 1);
		column += g[i].columns;
	}
	return column;
}

/* What stands between two blanks; names are not divided. Returns the column behind it. */
static int print_word(const struct fitting *f, const struct glyph *g, size_t n, int column, int indent)
{
	const int room = f->width - column, longest = longest_name(g, n, room);

	if (!longest && columns_of(g, n) > room)
		return print_broken(f, g, n, column, indent);
	print_with(f, g, n, longest);
	return column + width_if(g, n, longest);
}

static size_t word_glyphs(const struct glyph *g, size_t n, bool blanks)
{
	size_t i = 0;

	while (i < n && is_blank(&g[i]) == blanks)
		i++;
	return i;
}

static void print_folded(const struct fitting *f)
{
	const int indent = indentation(f);
	int column = 0;

	for (size_t i = 0; i < f->count;) {
		const struct glyph *const g = f->glyphs + i;
		const size_t blanks = word_glyphs(g, f->count - i, true), n = word_glyphs(g + blanks, f->count - i - blanks, false);
		const int gap = columns_of(g, blanks);

		if (n && column > indent && column + gap + columns_of(g + blanks, n) > f->width) {
			fprintf(f->file, "\n%*s", indent, "");
			column = indent;
		} else if (n) {
			print_glyphs(f, g, blanks);
			column += gap;
		}
		column = print_word(f, g + blanks, n, column, indent);
		i += blanks + n;
	}
}

/* ---- */

bool fit_print(FILE *file, const char *line, size_t bytes, int width, bool utf8)
{
	struct fitting f = { .file = file, .width = width, .utf8 = utf8, .glyphs = calloc(bytes + 1, sizeof(struct glyph)) };

	if (!f.glyphs) {
		fwrite(line, 1, bytes, file);
		fputc('\n', file);
		return false;
	}
	const int columns = read_glyphs(&f, line, bytes);
	const int longest = columns <= width ? columns : longest_name(f.glyphs, f.count, width);

	if (longest || columns == 0)
		print_with(&f, f.glyphs, f.count, longest);
	else
		print_folded(&f);
	fputc('\n', file);
	free(f.glyphs);
	return true;
}

bool fit_name(FILE *file, const char *name, int width, bool utf8)
{
	const size_t bytes = strlen(name);
	struct fitting f = { .file = file, .width = width, .utf8 = utf8, .glyphs = calloc(bytes + 1, sizeof(struct glyph)) };

	if (!f.glyphs)
		return false;
	read_glyphs(&f, name, bytes);
	print_cut(&f, f.glyphs, f.count, width);
	free(f.glyphs);
	return true;
}
