/* look_smaps - how much of each mapping of a process is in memory, as the kernel counts it. */
#ifndef RECORD_LOOK_SMAPS_H
#define RECORD_LOOK_SMAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes. */
struct look_smap {
	uint64_t start, end, resident, swapped, huge;
};

struct look_smaps {
	struct look_smap *list; /* by address */
	uint32_t count, room;
};

/* False: it cannot be read, or there is no memory. look_smaps_finish is due either way. */
bool look_smaps_read(struct look_smaps *s, uint32_t pid);
void look_smaps_finish(struct look_smaps *s); /* zero-safe */
/* The mapping that begins there; NULL: none. */
const struct look_smap *look_smaps_at(const struct look_smaps *s, uint64_t start);

/* What the kernel says of all of its memory; bytes. */
struct look_use {
	uint64_t resident, anonymous, files, shared, swapped;
};

/* All 0: it has ended. It is one short read. */
void look_use_read(struct look_use *u, uint32_t pid);

#endif
