/*
 * mapped_only - files that libdwfl and libdw have opened stay mapped, and their descriptors are closed: for a library that keeps
 * files open in a program whose descriptors are not its own.
 *
 * libdwfl closes the descriptor of a file together with the last reference to its Elf. So one more reference is held, and
 * the descriptor is closed here, at once.
 */
#ifndef SYMBOLS_MAPPED_ONLY_H
#define SYMBOLS_MAPPED_ONLY_H

#include <elfutils/libdwfl.h>

struct mapped_only {
	Elf *files[3]; /* the module's, its debug file's, and that of the file into which dwz moved parts of that */
	unsigned count;
	Dwarf *alt; /* of the last one */
};

/* Closes *fd, by which `elf` was opened, and makes it -1. If that cannot be, or is so already, nothing changes. */
void mapped_only_close(struct mapped_only *m, Elf *elf, int *fd);
/* The same for the file that libdw opens by itself for `dwarf`, of which nothing has been read yet. */
void mapped_only_close_alt(struct mapped_only *m, Dwarf *dwarf);
/* The file of DWARF, or of symbols, that libdwfl has opened beside the module's own. NULL: none. */
Elf *mapped_only_debug_file(Dwfl_Module *module, Elf *own);
/* After dwfl_end: unmaps the files. Zero-safe. */
void mapped_only_finish(struct mapped_only *m);

#endif
