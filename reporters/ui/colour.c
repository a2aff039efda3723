/*
 * colour - whether this output is painted, and in which colours.
 *
 * --color says it; if that is "auto", NO_COLOR and CLICOLOR_FORCE do, as in other programs; otherwise only a terminal that
 * knows colours is painted.
 */
#include "ui/ui_private.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const FILE *painted;

static bool is_set(const char *name)
{
	const char *const value = getenv(name);

	return value && *value;
}

static bool is(const char *name, const char *wanted)
{
	const char *const value = getenv(name);

	return value && strcmp(value, wanted) == 0;
}

static bool by_itself(FILE *terminal)
{
	if (is_set("NO_COLOR"))
		return false;
	if (is_set("CLICOLOR_FORCE") && !is("CLICOLOR_FORCE", "0"))
		return true;
	return !is("CLICOLOR", "0") && is_set("TERM") && !is("TERM", "dumb") && isatty(fileno(terminal));
}

bool ui_colour_wanted(const char *when, FILE *terminal)
{
	if (when && strcmp(when, "always") == 0)
		return true;
	return !(when && strcmp(when, "never") == 0) && by_itself(terminal);
}

void ui_colour_is(const FILE *f)
{
	painted = f;
}

void ui_paint(FILE *f, enum ui_paint paint)
{
	static const char *const codes[] = {
		[UI_PLAIN] = "\033[m",
		[UI_HEADING] = "\033[1m",
		[UI_LARGE] = "\033[1;31m",
		[UI_MIDDLE] = "\033[33m",
	};

	if (f == painted && painted)
		fputs(codes[paint], f);
}

#define LARGE_PERCENT 10.0
#define MIDDLE_PERCENT 1.0

enum ui_paint ui_share_paint(double percent)
{
	return percent >= LARGE_PERCENT ? UI_LARGE : percent >= MIDDLE_PERCENT ? UI_MIDDLE :
										 UI_PLAIN;
}
