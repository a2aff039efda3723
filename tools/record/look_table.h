/* look_table - the live set of one process as a look needs it: blocks of the heap, mappings of the program's own, blocks that move. */
#ifndef RECORD_LOOK_TABLE_H
#define RECORD_LOOK_TABLE_H

#include "libtracker/look_mark.h"
#include "look_maps.h"
#include "recorder.h"

struct look_span {
	uint64_t start, end;
};

struct look_table {
	struct look_block *blocks; /* of the malloc family, by address */
	uint32_t count, room;
	struct look_span *mappings; /* that the program made itself, by address */
	uint32_t mapping_count, mapping_room;
	struct look_span *moving; /* blocks that a realloc has released and not replaced yet */
	uint32_t moving_count, moving_room;
};

/* As of the events that were delivered. TRK_ERR_NOMEM. look_table_finish is due either way. */
int look_table_read(struct look_table *t, struct recorder *r, const struct process *p);
void look_table_finish(struct look_table *t);

/* The number of the first block that does not begin before the address. */
uint32_t look_table_from(const struct look_table *t, uint64_t address);
/* The block in which the address lies; look_table.count: none. */
uint32_t look_table_at(const struct look_table *t, uint64_t address);

/* Blocks whose memory is not to be read get LOOK_UNREADABLE. */
void look_table_check(struct look_table *t, const struct look_maps *maps);
/* The most references that there can be, or `most`. */
uint64_t look_table_words(const struct look_table *t, uint64_t most);

#endif
