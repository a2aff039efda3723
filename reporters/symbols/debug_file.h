/*
 * debug_file - where libdwfl looks for a module's separate debug file.
 */
#ifndef SYMBOLS_DEBUG_FILE_H
#define SYMBOLS_DEBUG_FILE_H

#include <elfutils/libdwfl.h>
#include <stdbool.h>

/* For Dwfl_Callbacks: libdwfl's standard search, without its cost if there is nothing to find. */
int debug_file_find(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base, const char *file,
		    const char *link, GElf_Word crc, char **ret_path);

/* Whether `link` (NULL: the file's name with .debug) is, or may be, in one of the places where that search opens it. */
bool debug_file_may_exist(const char *file, const char *link);

/*
 * If the debug file that was found must be unpacked first (zstd_sections.h), a descriptor of the unpacked one, which
 * is the caller's; -1: it need not be unpacked. The other function makes a file the module's debug file; the
 * descriptor becomes libdwfl's.
 */
int debug_file_unpacked(Dwfl_Module *module);
void debug_file_give(Dwfl_Module *module, int fd);

#endif
