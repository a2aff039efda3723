/*
 * debug_link - the name of the file that holds a module's debug information, if that file is missing: the one that
 * .gnu_debuglink names (strip, or a package without its debug package), or .gnu_debugaltlink (dwz).
 */
#ifndef SYMBOLS_DEBUG_LINK_H
#define SYMBOLS_DEBUG_LINK_H

#include <elfutils/libdw.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Name of the debug file of the file behind `fd`, into `out`. False: it has none, is no ELF file, or of another build than `id` (NULL: any). */
bool debug_link_name(int fd, const uint8_t *id, size_t id_bytes, char *out, size_t room);

/* The same of the file at `path`, if its debug file is in no place where one is looked for. Nothing but `path` is opened. */
bool debug_link_missing(const char *path, const uint8_t *id, size_t id_bytes, char *out, size_t room);

/* What is to be said where the file that dwz moved parts of `dwarf` into is missing, of the module at `path`. Returns out. */
char *debug_link_alt_trouble(Dwarf *dwarf, const char *path, char *out, size_t room);

#endif
