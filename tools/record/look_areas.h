/*
 * look_areas - all memory of a process that is looked at, each part by what it serves for, with how much of it is in memory: the rows of
 * tracker memory are made of these.
 */
#ifndef RECORD_LOOK_AREAS_H
#define RECORD_LOOK_AREAS_H

#include "look_kinds.h"
#include "look_pages.h"
#include "look_smaps.h"

struct look_areas {
	struct trk_memory_area *list; /* by address; names live as long as the maps */
	uint32_t count, room;
	struct look_pages pages; /* of private memory without files */
	bool no_memory;
};

struct look_areas_of {
	const struct look_scene *scene;
	const struct look_smaps *copy, *original; /* what the copy does not share with the program only the original has */
	uint64_t library; /* an address in libtracker */
	int pagemap; /* of the copy */
};

/* False: there is no memory, or the pages cannot be read. look_areas_finish is due either way. */
bool look_areas_find(struct look_areas *a, const struct look_areas_of *of);
void look_areas_finish(struct look_areas *a); /* zero-safe */

#endif
