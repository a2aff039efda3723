/*
 * display - how many columns a terminal has, and how many of them a text takes: two for each wide character, none for those
 * that combine.
 */
#include "ui/ui_private.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

/* Of terminals that do not say it. */
#define WIDTH_UNKNOWN 80
#define HEIGHT_UNKNOWN 24
#define WIDTH_LEAST 10 /* what is called narrower is not believed */

/* One whose characters are those of Unicode; (locale_t)0: this system has none. Kept for good. */
static locale_t unicode(void)
{
	static const char *const names[] = { "", "C.UTF-8", "en_US.UTF-8" };
	static locale_t found;
	static bool looked;

	for (size_t i = 0; !looked && !found && i < sizeof(names) / sizeof(*names); i++) {
		const locale_t l = newlocale(LC_CTYPE_MASK, names[i], (locale_t)0);

		if (l && strcasecmp(nl_langinfo_l(CODESET, l), "UTF-8") == 0)
			found = l;
		else if (l)
			freelocale(l);
	}
	looked = true;
	return found;
}

int ui_code_columns(uint32_t code)
{
	const locale_t l = unicode();

	if (code < 0x300 || !l)
		return 1;
	const locale_t before = uselocale(l);
	const int n = wcwidth((wchar_t)code);

	uselocale(before);
	return n < 0 ? 1 : n;
}

int ui_columns(const char *s)
{
	const char *const end = s + strlen(s);
	int n = 0;

	while (s < end) {
		uint32_t code = 0;
		const size_t length = ui_utf8_decode(s, (size_t)(end - s), &code);

		n += length ? ui_code_columns(code) : 1;
		s += length ? length : 1;
	}
	return n;
}

/* ---- terminals ---- */

static int from_environment(const char *name)
{
	const char *const text = getenv(name);
	char *end;
	const long n = text ? strtol(text, &end, 10) : 0;

	return text && *text && !*end && n > 0 && n < 100000 ? (int)n : 0;
}

int ui_terminal_width(FILE *f, int *ret_height)
{
	struct winsize w = { 0 };
	int columns = from_environment("COLUMNS"), lines = from_environment("LINES");

	if (!isatty(fileno(f)))
		return 0;
	ioctl(fileno(f), TIOCGWINSZ, &w);
	if (!columns)
		columns = w.ws_col ? w.ws_col : WIDTH_UNKNOWN;
	if (!lines)
		lines = w.ws_row ? w.ws_row : HEIGHT_UNKNOWN;
	if (ret_height)
		*ret_height = lines;
	return columns > WIDTH_LEAST ? columns : WIDTH_LEAST;
}
