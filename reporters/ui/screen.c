/*
 * screen - a stream that ends at a terminal: its lines are fitted into the width, and more of them than the screen has go
 * through a pager.
 *
 * Lines are held back until there are more than the screen shows, so that a short report needs no pager.
 */
#include "ui/ui_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/array.h"
#include "ui/fit.h"

static struct screen {
	FILE *stream; /* what reports write to */
	FILE *terminal;
	FILE *held; /* NULL: nothing is held back any more */
	char *held_text;
	size_t held_bytes, held_lines;
	char *line; /* the last one, as long as it has no end */
	size_t used, room;
	int width, height;
	bool fits, pages, utf8;
	bool gone; /* nobody reads any more */
	int error; /* errno of a write that failed */
} screen;

int ui_screen_width(const FILE *f)
{
	return f && f == screen.stream && screen.fits ? screen.width : 0;
}

/* ---- lines ---- */

/* What was held back, too. */
static void let_go(FILE *to)
{
	FILE *const held = screen.held;

	screen.held = NULL;
	if (!held)
		return;
	if (fclose(held) == 0)
		fwrite(screen.held_text, 1, screen.held_bytes, to);
	free(screen.held_text);
	screen.held_text = NULL;
}

static FILE *sink(void)
{
	return screen.held ? screen.held : ui_pager() ? ui_pager() :
							screen.terminal;
}

static void count_line(void)
{
	if (!screen.held || ++screen.held_lines < (size_t)screen.height)
		return;
	let_go(ui_pager_start() ? ui_pager() : screen.terminal);
}

static void fit_line(void)
{
	char *folded = NULL;
	size_t bytes = 0;
	FILE *const m = open_memstream(&folded, &bytes);

	if (!m || !fit_print(m, screen.line, screen.used, screen.width, screen.utf8))
		screen.error = ENOMEM;
	if (m)
		fclose(m);
	for (const char *at = folded; at && *at;) {
		const size_t n = (size_t)(strchrnul(at, '\n') - at) + 1;

		fwrite(at, 1, n, sink());
		at += n;
		count_line();
	}
	free(folded);
}

static void end_line(void)
{
	if (screen.fits) {
		fit_line();
	} else {
		fwrite(screen.line, 1, screen.used, sink());
		fputc('\n', sink());
		count_line();
	}
	screen.used = 0;
}

static ssize_t take(void *cookie, const char *bytes, size_t n)
{
	const char *const end = bytes + n;

	(void)cookie;
	for (const char *at = bytes; at < end && !screen.gone;) {
		const char *const newline = memchr(at, '\n', (size_t)(end - at));
		const size_t part = (size_t)((newline ? newline : end) - at);

		if (!ARRAY_ROOM(screen.line, screen.room, screen.used + part, 256)) {
			screen.error = ENOMEM;
			return 0;
		}
		memcpy(screen.line + screen.used, at, part);
		screen.used += part;
		if (newline)
			end_line();
		screen.gone = ui_pager() && ferror(ui_pager());
		at += part + (newline ? 1 : 0);
	}
	return screen.gone ? 0 : (ssize_t)n;
}

/* ---- the whole ---- */

FILE *ui_screen_open(FILE *terminal, bool fits, bool pages)
{
	const cookie_io_functions_t functions = { .write = take };
	int height = 0;
	const int width = ui_terminal_width(terminal, &height);

	if (!width || screen.stream)
		return NULL;
	screen = (struct screen){ .terminal = terminal, .width = width, .height = height, .fits = fits, .pages = pages, .utf8 = ui_utf8() };
	screen.stream = fopencookie(NULL, "w", functions);
	if (screen.stream && pages)
		screen.held = open_memstream(&screen.held_text, &screen.held_bytes);
	if (screen.stream && fits)
		ui_text_marks(screen.stream);
	return screen.stream;
}

int ui_screen_close(void)
{
	fclose(screen.stream);
	if (screen.used)
		end_line();
	let_go(screen.terminal);
	ui_pager_wait();
	free(screen.line);
	ui_text_marks(NULL);
	const int error = screen.error;

	screen = (struct screen){ 0 };
	return error;
}
