/*
 * dwarf_unit - one compilation unit: its functions, its lines, its file names.
 * Everything is read when first asked for.
 */
#ifndef SYMBOLS_DWARF_UNIT_H
#define SYMBOLS_DWARF_UNIT_H

#include <elfutils/libdw.h>

#include "symbols/arena.h"
#include "symbols/dwarf_calls.h"
#include "symbols/intervals.h"

/* Absolute paths of a file table, made when first asked for. */
struct dwarf_files {
	Dwarf_Files *files;
	const char **paths;
	size_t count;
};

struct dwarf_unit {
	Dwarf_Die cu; /* in the file itself: ranges and lines */
	Dwarf_Die split; /* where the functions are: the same, or the unit in a .dwo */
	const char *comp_dir;
	struct intervals ranges; /* of functions, by index into functions */
	struct dwarf_function *functions;
	uint32_t function_count, function_room;
	bool opened; /* split, comp_dir are set */
	bool collected; /* the functions at namespace level are known */
	bool collected_deep; /* ... and those within functions */
	struct dwarf_files files, line_files;
	Dwarf_Lines *lines;
	size_t line_count;
	bool has_files, has_lines;
	const char *missing; /* the .dwo with its functions, if it could not be opened; NULL: it could, or there is none */
};

/* The function whose code contains the address; valid until the next call. NULL: none. */
struct dwarf_function *dwarf_unit_function(struct dwarf_unit *u, uint64_t address);
/* File and line of the address; false: none. */
bool dwarf_unit_line(struct dwarf_unit *u, uint64_t address, struct arena *arena,
		     const char **ret_file, uint32_t *ret_line);
/* Path of a file by its number in DW_AT_call_file; NULL: no such file. */
const char *dwarf_unit_file(struct dwarf_unit *u, uint64_t number, struct arena *arena);
void dwarf_unit_finish(struct dwarf_unit *u);

#endif
