/*
 * frame_entries - unwind information in the form of .debug_frame: entries one after another, unsorted and without an
 * index. Each pc is looked up only once, so a look-up may pass over all of them.
 */
#ifndef FRAME_ENTRIES_H
#define FRAME_ENTRIES_H

#include "cfi.h"

struct frame_section {
	const uint8_t *bytes;
	size_t size;
};

/*
 * bias: what is added to the addresses of the file. False: no entry covers pc, or its instructions are not
 * understood.
 */
bool frame_entries_find(const struct frame_section *s, uintptr_t bias, uintptr_t pc, struct cfi_fde *ret);

#endif
