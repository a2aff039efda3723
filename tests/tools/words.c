/*
 * words - how the text of mkcapture is read.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "words.h"

unsigned words_line;

_Noreturn void die(const char *what, const char *word)
{
	fprintf(stderr, "mkcapture: line %u: %s%s%s\n", words_line, what, word ? ": " : "",
		word ? word : "");
	exit(1);
}

/* All copies, so that a leak checker sees that they are meant to stay. */
static struct kept {
	struct kept *next;
	char text[];
} * kept;

char *keep(const char *text, size_t size)
{
	struct kept *k = malloc(sizeof(*k) + size + 1);

	if (!k)
		die("out of memory", NULL);
	k->next = kept;
	kept = k;
	memcpy(k->text, text, size);
	k->text[size] = 0;
	return k->text;
}

static char unescape(const char **p)
{
	const char c = *(*p)++;
	char hex[3] = { 0 };

	switch (c) {
	case 'n':
		return '\n';
	case '0':
		return 0;
	case 'x':
		if (!isxdigit((unsigned char)(*p)[0]) || !isxdigit((unsigned char)(*p)[1]))
			die("\\x wants two hexadecimal digits", NULL);
		memcpy(hex, *p, 2);
		*p += 2;
		return (char)strtoul(hex, NULL, 16);
	case 0:
		die("the line ends after a backslash", NULL);
	default:
		return c;
	}
}

/* In place: a word never grows. */
int split(char *line, struct word *words)
{
	const char *p = line;
	char *out = line;
	int n = 0;

	for (;;) {
		bool quoted = false;

		while (isspace((unsigned char)*p))
			p++;
		if (!*p || *p == '#')
			return n;
		if (n == WORDS_MAX)
			die("too many words", NULL);
		words[n].text = out;
		while (*p && (quoted || !isspace((unsigned char)*p))) {
			const char c = *p++;

			if (c == '"')
				quoted = !quoted;
			else if (c == '\\' && quoted)
				*out++ = unescape(&p);
			else
				*out++ = c;
		}
		if (quoted)
			die("a quote is not closed", NULL);
		words[n].size = (size_t)(out - words[n].text);
		p += *p != 0;
		*out++ = 0;
		n++;
	}
}

static bool parse_number(const char *s, uint64_t *ret, const char **end)
{
	char *stop;

	if (!isdigit((unsigned char)*s))
		return false;
	errno = 0;
	*ret = strtoull(s, &stop, 0);
	*end = stop;
	return errno == 0;
}

uint64_t number(const char *s)
{
	const char *end;
	uint64_t n;

	if (!parse_number(s, &n, &end) || *end)
		die("not a number", s);
	return n;
}

uint64_t duration(const char *s)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = { { "", 1 }, { "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 } };
	const char *end;
	uint64_t n;

	if (!parse_number(s, &n, &end))
		die("not a time", s);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (!strcmp(end, units[i].unit))
			return n * units[i].ns;
	}
	die("not a time (whole ns, us, ms or s)", s);
}
