/*
 * json - a streaming writer: what is written is never held in memory, only the
 * kinds of the open levels are.
 *
 * Strings may come from hostile symbol tables and end up inside <script>, so
 * that <, >, & and the line separators U+2028/9 are always escaped.
 */
#include "ui/ui.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "format/array.h"
#include "ui/ui_private.h"

#define LEVEL_EMPTY 0x80 /* nothing written in it yet; the other bits are '}' or ']' */
#define INDENT_MAX 32 /* deeper is not read by people, and would cost depth squared */

void ui_json_init(struct ui_json *j, FILE *f, bool compact)
{
	*j = (struct ui_json){ .file = f, .compact = compact };
}

static void newline(const struct ui_json *j)
{
	const int indent = j->depth < INDENT_MAX ? j->depth : INDENT_MAX;

	if (j->compact)
		return;
	fprintf(j->file, "\n%*s", 2 * indent, "");
}

static bool is_plain(char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&';
}

static void write_escaped(FILE *f, const char *s, size_t n)
{
	const char *const end = s + n;

	fputc('"', f);
	while (s < end) {
		const char *const plain = s;

		while (s < end && is_plain(*s))
			s++;
		fwrite(plain, 1, (size_t)(s - plain), f);
		if (s == end)
			break;
		uint32_t code = 0xfffd;
		const size_t length = ui_utf8_decode(s, (size_t)(end - s), &code);
		if (length == 0)
			fputs("\xef\xbf\xbd", f);
		else if (code == '"' || code == '\\')
			fprintf(f, "\\%c", (int)code);
		else if (code < 0x20 || code == 0x7f || code == '<' || code == '>' || code == '&' ||
			 code == 0x2028 || code == 0x2029)
			fprintf(f, "\\u%04" PRIx32, code);
		else
			fwrite(s, 1, length, f);
		s += length ? length : 1;
	}
	fputc('"', f);
}

/* Comma, line and key before a value. */
static void before(struct ui_json *j, const char *key)
{
	if (j->depth == 0) {
		assert(!key);
		return;
	}
	char *const level = &j->levels[j->depth - 1];
	assert((*level & 0x7f) == (key ? '}' : ']'));
	if (!(*level & LEVEL_EMPTY))
		fputc(',', j->file);
	*level &= 0x7f;
	newline(j);
	if (key) {
		write_escaped(j->file, key, strlen(key));
		fputs(j->compact ? ":" : ": ", j->file);
	}
}

static void push(struct ui_json *j, char opener, char closer)
{
	if (!ARRAY_ROOM(j->levels, j->room, j->depth + 1, 64)) {
		ui_error("out of memory");
		exit(UI_CANNOT);
	}
	j->levels[j->depth++] = (char)(closer | LEVEL_EMPTY);
	fputc(opener, j->file);
}

void ui_json_object(struct ui_json *j, const char *key)
{
	before(j, key);
	push(j, '{', '}');
}

void ui_json_array(struct ui_json *j, const char *key)
{
	before(j, key);
	push(j, '[', ']');
}

void ui_json_end(struct ui_json *j)
{
	assert(j->depth > 0);
	const char level = j->levels[--j->depth];

	if (!(level & LEVEL_EMPTY))
		newline(j);
	fputc(level & 0x7f, j->file);
	if (j->depth)
		return;
	fputc('\n', j->file);
	free(j->levels);
	j->levels = NULL;
	j->room = 0;
}

void ui_json_begin_report(struct ui_json *j, const char *schema, unsigned version)
{
	ui_json_object(j, NULL);
	ui_json_string(j, "schema", schema);
	ui_json_uint(j, "schema_version", version);
}

void ui_json_string_n(struct ui_json *j, const char *key, const char *value, size_t n)
{
	before(j, key);
	write_escaped(j->file, value, n);
}

void ui_json_string(struct ui_json *j, const char *key, const char *value)
{
	if (value)
		ui_json_string_n(j, key, value, strlen(value));
	else
		ui_json_null(j, key);
}

void ui_json_uint(struct ui_json *j, const char *key, uint64_t value)
{
	before(j, key);
	fprintf(j->file, "%" PRIu64, value);
}

void ui_json_int(struct ui_json *j, const char *key, int64_t value)
{
	before(j, key);
	fprintf(j->file, "%" PRId64, value);
}

void ui_json_double(struct ui_json *j, const char *key, double value)
{
	char text[40];

	if (!*ui_double(value, text, sizeof(text))) {
		ui_json_null(j, key);
		return;
	}
	before(j, key);
	fputs(text, j->file);
}

void ui_json_bool(struct ui_json *j, const char *key, bool value)
{
	before(j, key);
	fputs(value ? "true" : "false", j->file);
}

void ui_json_null(struct ui_json *j, const char *key)
{
	before(j, key);
	fputs("null", j->file);
}
