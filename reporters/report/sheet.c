/* sheet - see sheet.h. */
#include "report/sheet.h"

#include <stdlib.h>
#include <string.h>

#include "ui/fit.h"

#define WIDTH 80 /* where there is no terminal */
#define NAME_LEAST 12 /* columns; a name that is shorter says nothing */
#define KEPT_SHARE 60 /* of what is left of a line: no more is kept whole of what belongs to a name */

void sheet_begin(struct sheet *s, struct emit *e, FILE *file)
{
	const int width = ui_screen_width(file);

	*s = (struct sheet){ .emit = e, .width = width ? width : WIDTH, .utf8 = ui_utf8(), .left = SHEET_LINES };
}

/* ---- columns ---- */

static bool begins_character(char c)
{
	return (c & 0xc0) != 0x80;
}

/* The place behind so many columns. */
static const char *after_columns(const char *text, int columns)
{
	while (*text && columns-- > 0)
		do
			text++;
		while (*text && !begins_character(*text));
	return text;
}

/* ---- lines ---- */

/* What a terminal would not show, made visible, because it has a width then; malloc'ed. */
static char *harmless(const char *text)
{
	char *made = NULL;
	size_t n;
	FILE *const f = open_memstream(&made, &n);

	if (!f)
		return NULL;
	ui_text(f, text ? text : "");
	return ui_memstream_end(f, &made);
}

/* The share is painted that is how large the line's figure is. */
static void say(struct sheet *s, const char *line, enum ui_paint paint, size_t painted)
{
	FILE *const f = emit_people(s->emit);
	char *const front = strndup(line, painted);

	s->no_memory |= !front;
	if (!s->left || !front)
		goto out;
	s->left--;
	emit_aside(s->emit, "front", emit_words(front));
	emit_aside(s->emit, "line", emit_words(line + strlen(front)));
	if (painted) {
		ui_paint(f, paint);
		emit_say(s->emit, "{front}");
		ui_paint(f, UI_PLAIN);
	}
	emit_say(s->emit, "{line}\n");
out:
	free(front);
}

static void print_cut(struct sheet *s, FILE *f, const char *text, int width)
{
	if (width > 0 && !fit_name(f, text, width, s->utf8))
		s->no_memory = true;
}

static void say_fitting(struct sheet *s, const char *before, const char *name, const char *after, enum ui_paint paint)
{
	const int room = s->width - ui_columns(before) - ui_columns(after);
	char *text = NULL;
	size_t n;
	FILE *const f = open_memstream(&text, &n);

	s->no_memory |= !f;
	if (!f)
		return;
	print_cut(s, f, before, s->width);
	print_cut(s, f, name, room);
	print_cut(s, f, after, s->width - ui_columns(before));
	text = ui_memstream_end(f, &text);
	s->no_memory |= !text;
	if (text)
		say(s, text, paint, paint == UI_PLAIN ? 0 : strlen(before));
	free(text);
}

static void say_harmless(struct sheet *s, const char *before, const char *name, const char *after, enum ui_paint paint)
{
	char *const a = harmless(before), *const b = harmless(name), *const c = harmless(after);

	if (a && b && c)
		say_fitting(s, a, b, c, paint);
	else
		s->no_memory = true;
	free(a);
	free(b);
	free(c);
}

void sheet_line(struct sheet *s, const char *before, const char *name, const char *after)
{
	say_harmless(s, before, name, after, UI_PLAIN);
}

/* Cut in the middle, malloc'ed. */
static char *shortened(struct sheet *s, const char *text, int width)
{
	char *made = NULL;
	size_t n;
	FILE *const f = open_memstream(&made, &n);

	if (f)
		print_cut(s, f, text, width);
	made = f ? ui_memstream_end(f, &made) : NULL;
	s->no_memory |= !made;
	return made;
}

void sheet_named(struct sheet *s, const char *before, enum ui_paint paint, const struct sheet_name *n)
{
	const char *const name = n->name ? n->name : "";
	char *const kept = shortened(s, n->kept ? n->kept : "", (s->width - ui_columns(before)) * KEPT_SHARE / 100);
	unsigned first = 0;
	int room;
	char *after;

	if (!kept)
		return;
	room = s->width - ui_columns(before) - ui_columns(name) - ui_columns(kept);
	for (unsigned i = 0; i < SHEET_EXTRAS; i++)
		room -= n->extras[i] ? ui_columns(n->extras[i]) : 0;
	for (; room < 0 && first < SHEET_EXTRAS; first++)
		room += n->extras[first] ? ui_columns(n->extras[first]) : 0;
	if (asprintf(&after, "%s%s%s", kept, first < 1 && n->extras[0] ? n->extras[0] : "",
		     first < 2 && n->extras[1] ? n->extras[1] : "") < 0) {
		s->no_memory = true;
		after = NULL;
	}
	if (after)
		say_harmless(s, before, name, after, paint);
	free(after);
	free(kept);
}

/* As much of the command as there is room for beside `used` columns; malloc'ed. */
static char *command_words(const struct sheet *s, int used, const char *command, const char *file)
{
	const char *const operands[] = { file, "FILE", "" };
	char *words = NULL;

	for (size_t i = 0; i < sizeof(operands) / sizeof(*operands); i++) {
		free(words);
		if (asprintf(&words, "tracker %s%s%s", command, operands[i][0] ? " " : "", operands[i]) < 0)
			return NULL;
		if (used + ui_columns(words) <= s->width)
			return words;
	}
	words[0] = '\0';
	return words;
}

void sheet_heading(struct sheet *s, const char *text, const char *command, const char *operand)
{
	const int columns = ui_columns(text);
	char *const file = harmless(operand), *const words = file ? command_words(s, columns + 2, command, file) : NULL;
	char *line = NULL;

	if (words && asprintf(&line, "%s%*s", text, words[0] ? s->width - columns - ui_columns(words) : 0, "") < 0)
		line = NULL;
	s->no_memory |= !line;
	if (line)
		say_fitting(s, line, words, "", UI_HEADING);
	free(line);
	free(words);
	free(file);
}

void sheet_named_heading(struct sheet *s, const char *before, const struct sheet_name *n, const char *command, const char *operand)
{
	const int least = (int)strlen("tracker ") + (int)strlen(command) + 2; /* of the command, and the gap before it */
	const int room = s->width - ui_columns(before) - ui_columns(n->kept) - least;
	char *const raw = harmless(n->name), *const name = raw ? shortened(s, raw, room > NAME_LEAST ? room : NAME_LEAST) : NULL;
	char *const kept = harmless(n->kept);
	char *text;

	s->no_memory |= !kept || !raw;
	if (name && kept && asprintf(&text, "%s%s%s", before, name, kept) >= 0) {
		sheet_heading(s, text, command, operand);
		free(text);
	} else {
		s->no_memory = true;
	}
	free(raw);
	free(name);
	free(kept);
}

/* How many columns of the text are its next line. */
static int line_columns(const char *text, int width)
{
	const int columns = ui_columns(text);
	int n = columns < width ? columns : width;

	if (columns <= width)
		return n;
	while (n > width / 2 && *after_columns(text, n) != ' ')
		n--;
	return n > width / 2 ? n : width;
}

void sheet_text(struct sheet *s, const char *text, unsigned lines)
{
	char *const whole = harmless(text);
	const char *at = whole;

	s->no_memory |= !whole;
	while (at && *at && lines--) {
		const int indent = at == whole ? 0 : 2, width = s->width - indent;
		const int n = lines ? line_columns(at, width) : ui_columns(at);
		char *const line = strndup(at, (size_t)(after_columns(at, n) - at));

		/* the last line loses its middle if it is still too long */
		s->no_memory |= !line;
		if (line)
			say_fitting(s, indent ? "  " : "", line, "", UI_PLAIN);
		free(line);
		at = after_columns(at, n);
		at += strspn(at, " ");
	}
	free(whole);
}
