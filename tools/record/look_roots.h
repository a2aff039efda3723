/*
 * look_roots - where a look begins to follow pointers (docs/LOOK.md, "Roots"): registers, stacks, variables, and memory that no
 * allocator owns.
 */
#ifndef RECORD_LOOK_ROOTS_H
#define RECORD_LOOK_ROOTS_H

#include "format/look_parts.h"
#include "look_maps.h"
#include "look_stop.h"
#include "look_table.h"

/* What is given. */
struct look_scene {
	const struct look_maps *maps;
	const struct look_table *table;
	const struct look_stop *stop;
	uint32_t copy; /* pid of the copy, whose memory is read */
	uint64_t segment_inode, own_start;
	uint64_t no_address; /* as in struct look_marking */
	bool foreign_allocator;
	bool running; /* nobody was stopped: where its thread stands is not known, so all stacks count, and whole */
	bool inherits; /* it was forked: its heap holds what its parent allocated */
};

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
