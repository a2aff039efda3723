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

/*
 * Writes the name of the debug file of the file behind `fd` to `out`. False: it has none, is no ELF file, or belongs
 * to another build than `id` (NULL: any).
 */
bool debug_link_name(int fd, const uint8_t *id, size_t id_bytes, char *out, size_t room);

/* The same for the file at `path`, if its debug file is in none of the usual places. Opens only `path`. */
bool debug_link_missing(const char *path, const uint8_t *id, size_t id_bytes, char *out, size_t room);

/* The sentence for a module at `path` if the file is missing into which dwz moved parts of `dwarf`. Returns out. */
char *debug_link_alt_trouble(Dwarf *dwarf, const char *path, char *out, size_t room);

#endif
