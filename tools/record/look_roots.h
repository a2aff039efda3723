/*
 * look_roots - where a look begins to follow pointers (docs/LOOK.md, "Roots"): registers, stacks, variables, and memory that no
 * allocator owns.
 */
#ifndef RECORD_LOOK_ROOTS_H
#define RECORD_LOOK_ROOTS_H

#include "format/look_parts.h"
#include "look_kinds.h"

struct look_place {
	uint64_t start, end; /* aligned to words; of registers: 0, and a number of words times 8 */
	enum look_root_kind kind;
	uint32_t tid;
	const char *name; /* lives as long as the maps */
	bool libc;
};

struct look_roots {
	struct look_place *list;
	uint32_t count, room;
	uint64_t *words; /* of registers, of one thread after another */
	uint32_t word_count, word_room;
	struct look_file *files;
	uint32_t file_count, file_room;
	bool no_memory;
};

/* low, high: addresses between which blocks lie. False: there is no memory. look_roots_finish is due either way. */
bool look_roots_find(struct look_roots *r, const struct look_scene *s, uint64_t low, uint64_t high);
void look_roots_finish(struct look_roots *r);

#endif
