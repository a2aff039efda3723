/*
 * python_lines - which line of its file an instruction of a code object of Python is of, by the interpreter's own table.
 *
 * The table comes from the program that is recorded, so it may hold anything.
 */
#ifndef RECORD_PYTHON_LINES_H
#define RECORD_PYTHON_LINES_H

#include <stddef.h>
#include <stdint.h>

struct python_lines {
	uint32_t minor; /* version of the interpreter */
	int32_t first_line;
	const uint8_t *table; /* co_lnotab up to 3.9, then co_linetable */
	size_t bytes;
};

/* The line of instruction number `unit`; 0: it has none. */
uint32_t python_lines_at(const struct python_lines *l, uint64_t unit);

#endif
