/*
 * dwarf_index - address -> functions, lines and inlined frames out of DWARF.
 *
 * libdw finds a function by walking everything; here the ranges of compilation
 * units are sorted once per file and the ranges of their functions once per
 * unit, when first needed. .debug_aranges is not used: clang writes none.
 */
#ifndef SYMBOLS_DWARF_INDEX_H
#define SYMBOLS_DWARF_INDEX_H

#include <elfutils/libdw.h>

#include "symbols/arena.h"
#include "symbols/resolver.h"

struct dwarf_index;

/* Reads the units' ranges. `dwarf` and `arena` outlive the index. 0, TRK_ERR_NOMEM. */
int dwarf_index_new(struct dwarf_index **ret, Dwarf *dwarf, struct arena *arena);
void dwarf_index_free(struct dwarf_index *x); /* NULL-safe */

/* The end of a sentence: which part of it could not be read so far, and why. Returns out; "": everything was read. */
char *dwarf_index_trouble(const struct dwarf_index *x, char *out, size_t room);

/*
 * Frames at `address` (as DWARF counts), innermost first. The last one's function is NULL when
 * only the line is known. *ret_linkage: the last one's name is a linkage name.
 */
size_t dwarf_index_lookup(struct dwarf_index *x, uint64_t address, struct resolved_frame *out,
			  size_t max, bool *ret_linkage);

/* What dwarf_variables_pointee says of the function at the address. */
bool dwarf_index_pointee(struct dwarf_index *x, uint64_t address, const char *file, uint32_t line, char *buf, size_t room, uint64_t *ret_size);

/* Whether `is` holds for the name of a function of a unit, wherever it was inlined. */
bool dwarf_index_any_name(struct dwarf_index *x, bool (*is)(void *data, const char *name), void *data);

/* How many bytes of debug information the look-ups have read so far: memory grows with them. */
uint64_t dwarf_index_read_bytes(const struct dwarf_index *x);

#endif
