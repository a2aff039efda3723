/*
 * function_starts - where functions begin, according to the table of the unwind information (.eh_frame_hdr). A program
 * keeps this table when it is stripped of all names.
 *
 * Source of the format: LSB Core, "Exception Frames". Only the encoding that linkers write is read: a sorted table of
 * 32-bit pairs relative to the table itself.
 */
#ifndef SYMBOLS_FUNCTION_STARTS_H
#define SYMBOLS_FUNCTION_STARTS_H

#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct function_start {
	uint64_t start, entry; /* where it begins; where its unwind information does */
};

struct function_starts {
	Elf *elf;
	struct function_start *starts; /* ascending */
	size_t count;
};

/*
 * The function starts of a linked file, which must stay open. None: the file has no such table, or one that cannot be
 * read. False: there is no memory.
 */
bool function_starts_init(struct function_starts *f, Elf *elf);
void function_starts_finish(struct function_starts *f); /* zero-safe */

/*
 * Where the function begins in which the address lies. If no unwind information covers the address, the end of the
 * function before it, because such code does not belong to that function. False: it lies before the first function.
 */
bool function_starts_find(const struct function_starts *f, uint64_t address, uint64_t *ret_start);

#endif
