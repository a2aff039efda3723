/* python_lines - see python_lines.h. */
#include "python_lines.h"

#include <stdbool.h>

#define UNIT_BYTES 2u /* of an instruction, in every version */

static uint32_t as_line(int64_t line)
{
	return line > 0 && line < INT32_MAX ? (uint32_t)line : 0;
}

/* Up to 3.9: pairs of bytes that are passed, and lines (signed) that come behind them. */
static uint32_t by_pairs(const struct python_lines *l, uint64_t at)
{
	int64_t line = l->first_line;
	uint64_t address = 0;

	for (size_t i = 0; i + 1 < l->bytes; i += 2) {
		address += l->table[i];
		if (address > at)
			break;
		line += (int8_t)l->table[i + 1];
	}
	return as_line(line);
}

#define NO_LINE (-128)

/* 3.10: pairs of bytes of code, and lines (signed) from the pair before to this one. */
static uint32_t by_ranges(const struct python_lines *l, uint64_t at)
{
	int64_t line = l->first_line;
	uint64_t end = 0;

	for (size_t i = 0; i + 1 < l->bytes; i += 2) {
		const int8_t step = (int8_t)l->table[i + 1];

		end += l->table[i];
		if (step != NO_LINE)
			line += step;
		if (end > at)
			return step == NO_LINE ? 0 : as_line(line);
	}
	return 0;
}

/* A number of six bits a byte, the lowest first; its lowest bit is the sign. */
static int64_t get_step(const struct python_lines *l, size_t *i)
{
	uint64_t v = 0;

	for (unsigned shift = 0; *i < l->bytes; shift += 6) {
		const uint8_t b = l->table[(*i)++];

		v |= shift < 60 ? (uint64_t)(b & 63) << shift : 0;
		if (!(b & 64))
			break;
	}
	return v & 1 ? -(int64_t)(v >> 1) : (int64_t)(v >> 1);
}

/* Codes of an entry's head: bit 7 set, four bits of code, three of length - 1. */
enum entry {
	ONE_LINE = 10, /* 10, 11, 12: the next line but none, but one, but two */
	LAST_ONE_LINE = 12,
	NO_COLUMNS = 13,
	LONG = 14,
	WITHOUT_LINE = 15,
};

/* From 3.11 on: entries of a head and what belongs to it, mostly columns; only heads have bit 7. */
static uint32_t by_entries(const struct python_lines *l, uint64_t unit)
{
	int64_t line = l->first_line;
	uint64_t end = 0;

	for (size_t i = 0; i < l->bytes;) {
		const uint8_t head = l->table[i++], code = head >> 3 & 15;

		end += (head & 7) + 1u;
		if (code == NO_COLUMNS || code == LONG)
			line += get_step(l, &i);
		else if (code >= ONE_LINE && code <= LAST_ONE_LINE)
			line += code - ONE_LINE;
		/* steps of a damaged table may be of any size */
		if (line > INT32_MAX || line < INT32_MIN)
			return 0;
		if (end > unit)
			return code == WITHOUT_LINE ? 0 : as_line(line);
		while (i < l->bytes && !(l->table[i] & 0x80))
			i++;
	}
	return 0;
}

uint32_t python_lines_at(const struct python_lines *l, uint64_t unit)
{
	if (l->minor < 10)
		return by_pairs(l, unit * UNIT_BYTES);
	return l->minor == 10 ? by_ranges(l, unit * UNIT_BYTES) : by_entries(l, unit);
}
