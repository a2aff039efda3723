/*
 * text - strings that come from symbol tables, file names and programs, made
 * harmless before they reach a terminal.
 */
#include "ui/ui.h"

#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "ui/fit.h"
#include "ui/ui_private.h"

static bool is_continuation(const char *s, size_t n)
{
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return false;
	return true;
}

size_t ui_utf8_decode(const char *s, size_t n, uint32_t *ret_code)
{
	static const struct {
		uint8_t mask, lead, length;
		uint32_t min;
	} forms[] = {
		{ 0x80, 0x00, 1, 0 },
		{ 0xe0, 0xc0, 2, 0x80 },
		{ 0xf0, 0xe0, 3, 0x800 },
		{ 0xf8, 0xf0, 4, 0x10000 },
	};
	const uint8_t lead = (uint8_t)s[0];

	for (size_t f = 0; f < sizeof(forms) / sizeof(forms[0]); f++) {
		const size_t length = forms[f].length;
		if ((lead & forms[f].mask) != forms[f].lead)
			continue;
		if (length > n || !is_continuation(s, length))
			return 0;
		uint32_t code = lead & (uint8_t)~forms[f].mask;
		for (size_t i = 1; i < length; i++)
			code = code << 6 | (s[i] & 0x3f);
		if (code < forms[f].min || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
			return 0;
		*ret_code = code;
		return length;
	}
	return 0;
}

/* Control characters, and the marks that reorder a line so that it looks like another one. */
static bool is_harmful(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x200e && code <= 0x200f) ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

static const FILE *marked;

void ui_text_marks(const FILE *f)
{
	marked = f;
}

size_t ui_piece(const char *s, size_t n, char piece[UI_PIECE_ROOM])
{
	uint32_t code = 0;
	const size_t length = ui_utf8_decode(s, n, &code);

	if (length == 0)
		snprintf(piece, UI_PIECE_ROOM, "\\x%02x", (uint8_t)*s);
	else if (is_harmful(code))
		snprintf(piece, UI_PIECE_ROOM, code < 0x100 ? "\\x%02" PRIx32 : "\\u%04" PRIx32, code);
	else
		snprintf(piece, UI_PIECE_ROOM, "%.*s", (int)length, s);
	return length ? length : 1;
}

void ui_prose(FILE *f, const char *s)
{
	const char *const end = s + strlen(s);

	while (s < end) {
		const char *const plain = s;

		while (s < end && *s >= 0x20 && *s < 0x7f)
			s++;
		fwrite(plain, 1, (size_t)(s - plain), f);
		if (s == end)
			break;
		char piece[UI_PIECE_ROOM];

		s += ui_piece(s, (size_t)(end - s), piece);
		fputs(piece, f);
	}
}

void ui_text(FILE *f, const char *s)
{
	const bool marks = f == marked && marked;

	if (marks)
		fputc(FIT_NAME, f);
	ui_prose(f, s);
	if (marks)
		fputc(FIT_NAME_END, f);
}

static const char *entity(const char *piece)
{
	switch (*piece) {
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '&':
		return "&amp;";
	case '"':
		return "&quot;";
	default:
		/* U+FFFE and U+FFFF are no characters of XML. */
		return strcmp(piece, "\xef\xbf\xbe") == 0 || strcmp(piece, "\xef\xbf\xbf") == 0 ? "\xef\xbf\xbd" : piece;
	}
}

void ui_markup(FILE *f, const char *s)
{
	const char *const end = s + strlen(s);

	while (s < end) {
		char piece[UI_PIECE_ROOM];

		s += ui_piece(s, (size_t)(end - s), piece);
		fputs(entity(piece), f);
	}
}

char *ui_memstream_end(FILE *m, char *const *text)
{
	const bool failed = ferror(m);

	if (fclose(m) == 0 && !failed && *text)
		return *text;
	free(*text);
	return NULL;
}

bool ui_utf8(void)
{
	/* A locale object: setlocale() would change what fnmatch and printf do. */
	const locale_t locale = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
	bool utf8 = false;

	if (locale) {
		utf8 = strcasecmp(nl_langinfo_l(CODESET, locale), "UTF-8") == 0;
		freelocale(locale);
	}
	return utf8;
}
