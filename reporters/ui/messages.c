/*
 * messages - the one line on stderr with which every failure ends.
 *
 * Whatever the line quotes (file names, options) is printed through ui_text, so that a hostile name cannot break the
 * line or control the terminal.
 */
#include "ui/ui.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "ui/fit.h"
#include "ui/ui_private.h"

static const char *program = "tracker";

static const char *place = "";
static const char *(*place_of)(const char *message);

void ui_set_place(const char *name)
{
	place = name;
}

void ui_set_places(const char *(*of)(const char *message))
{
	place_of = of;
}

void ui_set_program(const char *name)
{
	program = name;
}

char *ui_command_words(const char *name, char *buf, size_t room)
{
	snprintf(buf, room, "%s", name);
	char *const dash = strchr(buf, '-');
	if (dash)
		*dash = ' ';
	return buf;
}

static void line(const char *kind, const char *fmt, va_list ap, const char *tail)
{
	char text[4096], *whole = NULL;
	size_t bytes;
	const int width = ui_terminal_width(stderr, NULL);
	FILE *const m = width ? open_memstream(&whole, &bytes) : NULL;
	FILE *const f = m ? m : stderr;

	vsnprintf(text, sizeof(text), fmt, ap);
	fflush(stdout);
	const char *const at = *place || !place_of ? place : place_of(text);

	fprintf(f, "%s: %s", program, kind);
	ui_text(f, at);
	fputs(*at ? ": " : "", f);
	ui_text(f, text);
	fprintf(f, m ? "%s" : "%s\n", tail);
	if (m && ui_memstream_end(m, &whole)) {
		fit_print(stderr, whole, strlen(whole), width, ui_utf8());
		free(whole);
	}
}

void ui_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line("", fmt, ap, "");
	va_end(ap);
}

void ui_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	line("warning: ", fmt, ap, "");
	va_end(ap);
}

void ui_usage_error(const char *fmt, ...)
{
	char words[128], tail[192];
	va_list ap;

	snprintf(tail, sizeof(tail), "; try '%s --help'",
		 ui_command_words(program, words, sizeof(words)));
	va_start(ap, fmt);
	line("", fmt, ap, tail);
	va_end(ap);
	exit(UI_USAGE);
}
