/* look_maps - what is mapped in a process, as a look needs it. */
#ifndef RECORD_LOOK_MAPS_H
#define RECORD_LOOK_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum look_map_kind { LOOK_MAP_ANONYMOUS, /* no file, or a name that the program gave it */
		     LOOK_MAP_HEAP,
		     LOOK_MAP_STACK, /* of the first thread */
		     LOOK_MAP_FILE,
		     LOOK_MAP_KERNEL }; /* vdso and its like */

struct look_map {
	uint64_t start, end, inode;
	uint64_t offset;
	bool readable, writable, shared;
	enum look_map_kind kind;
	uint32_t path; /* where it stands in the texts */
};

struct look_maps {
	struct look_map *list; /* by address */
	uint32_t count;
	size_t room;
	char *texts;
	size_t text_bytes, text_room;
};

/* False: it cannot be read, or there is no memory. look_maps_finish is due either way. */
bool look_maps_read(struct look_maps *m, uint32_t pid);
void look_maps_finish(struct look_maps *m);

static inline const char *look_map_path(const struct look_maps *m, const struct look_map *map)
{
	return m->texts + map->path;
}

/* Whether it is of a device, reading which may do something. */
bool look_map_is_device(const struct look_maps *m, const struct look_map *map);

/* The mapping in which the address lies. NULL: none. */
const struct look_map *look_maps_at(const struct look_maps *m, uint64_t address);

#endif
