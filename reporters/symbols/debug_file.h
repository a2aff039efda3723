/*
 * debug_file - where libdwfl looks for a module's separate debug file.
 */
#ifndef SYMBOLS_DEBUG_FILE_H
#define SYMBOLS_DEBUG_FILE_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>

/* For Dwfl_Callbacks: libdwfl's standard search, without its cost if there is nothing to find. *user: struct debug_file. */
int debug_file_find(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base, const char *file,
		    const char *link, GElf_Word crc, char **ret_path);

/* Whether `link` (NULL: the file's name with .debug) is, or may be, in one of the places where that search opens it. */
bool debug_file_may_exist(const char *file, const char *link);

/* What is known of a module's debug file; its address is the module's user pointer. Descriptors; -1: none. */
struct debug_file {
	int given; /* opened instead of the one that would be found; it becomes libdwfl's */
	int unpacked; /* the caller's: the one that was found must be unpacked first (zstd_sections.h), and this is what came of it */
	int found; /* libdwfl's own */
	bool far; /* the standard search has been called, which asks servers, too */
	bool over; /* none but the given one is looked for any more */
	bool no_alt; /* the file into which dwz moved parts of others is left to libdw */
};

#endif
