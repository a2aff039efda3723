/*
 * debug_sections - whether a file has debug information that libdw could not open.
 */
#ifndef SYMBOLS_DEBUG_SECTIONS_H
#define SYMBOLS_DEBUG_SECTIONS_H

#include <elfutils/libdw.h>
#include <libelf.h>
#include <stdbool.h>

enum debug_sections {
	DEBUG_SECTIONS_NONE,
	DEBUG_SECTIONS_PLAIN,
	DEBUG_SECTIONS_UNKNOWN_COMPRESSION, /* still compressed, though what is known was unpacked */
};

enum debug_sections debug_sections_of(Elf *elf);

/* Parts are in another file, as the section that dwz writes says, and that file was not found. */
bool debug_alt_is_missing(Dwarf *dwarf);

#endif
