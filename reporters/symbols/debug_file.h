/*
 * debug_file - where libdwfl looks for a module's separate debug file.
 */
#ifndef SYMBOLS_DEBUG_FILE_H
#define SYMBOLS_DEBUG_FILE_H

#include <elfutils/libdwfl.h>

/* For Dwfl_Callbacks: libdwfl's standard search, without what it costs where there is nothing to find. */
int debug_file_find(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base, const char *file,
		    const char *link, GElf_Word crc, char **ret_path);

#endif
