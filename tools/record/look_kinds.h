/*
 * look_kinds - what the memory of a process that is looked at serves for: whether an allocator owns it, and which, whether it is a stack,
 * or variables of a file.
 */
#ifndef RECORD_LOOK_KINDS_H
#define RECORD_LOOK_KINDS_H

#include "format/memory_parts.h"
#include "look_maps.h"
#include "look_stop.h"
#include "look_table.h"

#define LOOK_ARENA_BYTES (64ull << 20) /* glibc's other arenas lie in windows of so many bytes, at multiples of it */

struct look_image;

/* What is given. */
struct look_scene {
	const struct look_maps *maps;
	const struct look_table *table;
	const struct look_stop *stop;
	uint32_t copy; /* pid of the copy, whose memory is read */
	struct look_image *image; /* what was read of the process while it stood still, to be used instead; NULL: there is a copy */
	uint64_t segment_inode, own_start;
	uint64_t no_address; /* as in struct look_marking */
	bool foreign_allocator;
	bool running; /* nobody was stopped: where its thread stands is not known, so all stacks count, and whole */
	bool inherits; /* it was forked: its heap holds what its parent allocated */
};

/* A span of memory that an allocator owns. */
typedef void look_tell_owned(void *data, uint64_t start, uint64_t end, enum memory_area_kind kind);
/* Tells all of the mapping's, by address. They lie inside it, and may overlap. */
void look_owned(const struct look_scene *s, const struct look_map *m, look_tell_owned *tell, void *data);

/* The thread whose stack pointer is the lowest that lies in it. NULL: none lies there. */
const struct look_thread *look_stack_of(const struct look_stop *s, const struct look_map *m);
/* The thread whose own variables lie in it. NULL: none. */
const struct look_thread *look_variables_of(const struct look_stop *s, const struct look_map *m);
/* A few pages that nothing can touch lie directly below: so stacks of threads begin. */
bool look_has_guard(const struct look_maps *maps, const struct look_map *m);
bool look_has_blocks(const struct look_table *t, const struct look_map *m);
/* The file behind which anonymous memory lies: its variables that begin as zero. NULL: none. */
const struct look_map *look_file_before(const struct look_maps *maps, const struct look_map *m);
/* Whether the file is the C library. */
bool look_is_libc(const char *path);

#endif
