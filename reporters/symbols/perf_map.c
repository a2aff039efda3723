/* perf_map - see perf_map.h. */
#include "symbols/perf_map.h"

#include <string.h>

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Reads a number, with or without 0x, and the spaces behind it. NULL: there is none, or it is too large. */
static const char *read_number(const char *p, const char *end, uint64_t *ret)
{
	const char *first;

	*ret = 0;
	if (end - p > 2 && p[0] == '0' && (p[1] | 0x20) == 'x')
		p += 2;
	for (first = p; p < end && digit(*p) >= 0; p++) {
		if (*ret >> 60)
			return NULL;
		*ret = *ret << 4 | (uint64_t)digit(*p);
	}
	if (p == first || p == end || (*p != ' ' && *p != '\t'))
		return NULL;
	while (p < end && (*p == ' ' || *p == '\t'))
		p++;
	return p;
}

/* Lines that are no entries are left out: a line that was cut when the disk was full does not spoil the others. */
static void read_line(struct made_code *c, const char *line, const char *end)
{
	uint64_t start, size;

	if (end > line && end[-1] == '\r')
		end--;
	line = read_number(line, end, &start);
	if (line)
		line = read_number(line, end, &size);
	if (line)
		(void)made_code_add(c, 0, start, size, line, (size_t)(end - line));
}

size_t perf_map_read(struct perf_map *m, struct made_code *c, const char *bytes, size_t size, bool last,
		     bool full)
{
	const char *at = bytes, *const end = bytes + size;

	while (at < end) {
		const char *const newline = memchr(at, '\n', (size_t)(end - at));

		if (!newline && !last && !(full && at == bytes) && !m->skipping)
			break;
		if (!m->skipping)
			read_line(c, at, newline ? newline : end);
		m->skipping = !newline && !last;
		at = newline ? newline + 1 : end;
	}
	return (size_t)(at - bytes);
}
