/*
 * looked_memory - what the memory of a process consisted of at a look (MEMORY blocks, docs/FORMAT.md). Which blocks lived then replay/looks.h
 * tells.
 */
#ifndef REPLAY_LOOKED_MEMORY_H
#define REPLAY_LOOKED_MEMORY_H

#include "format/memory_parts.h"
#include "replay/capture.h"

/* Pages of heap areas that are not absent. */
struct looked_run {
	uint64_t start, end;
	enum memory_page state;
};

struct looked_memory {
	struct trk_memory head;
	/* By address. Those of heaps do not overlap. */
	struct trk_memory_area *areas;
	struct looked_run *runs;
	struct trk_memory_chunk *chunks;
	struct trk_memory_extra *extras; /* by block */
	uint32_t *contents; /* by block */
	uint32_t area_count, run_count, chunk_count, extra_count, content_count;
	uint32_t area_room, run_room, chunk_room, extra_room, content_room;
	bool whole; /* its last part was read */
	uint8_t *columns[MEMORY_COLUMNS]; /* names of areas point into the first one */
	size_t sizes[MEMORY_COLUMNS], rooms[MEMORY_COLUMNS];
	char *lacks;
};

/* What stands in the heads, for readers of many looks. By c->looks: */
struct memory_heads {
	uint32_t *numbers; /* of the look of which it tells; 0: not known, or another block */
	uint64_t *resident; /* in a first part; UINT64_MAX: not known */
	bool damaged; /* some cannot be read */
};

/* Of one process; UINT32_MAX: of all. TRK_ERR_NOMEM, or TRK_ERR_IO. memory_heads_finish is due either way. */
int memory_heads_read(struct memory_heads *ret, const struct capture *c, uint32_t process);
void memory_heads_finish(struct memory_heads *h); /* zero-safe */

/*
 * Of the look of that number. numbers: those of memory_heads. TRK_END: nothing is known of it. TRK_ERR_CORRUPT: it is damaged. TRK_ERR_NOMEM. looked_memory_finish is due
 * either way.
 */
int looked_memory_read(struct looked_memory *m, const struct capture *c, const uint32_t *numbers, uint32_t process, uint32_t number);
void looked_memory_finish(struct looked_memory *m); /* zero-safe */

/* A place in the runs, for questions about addresses that ascend. */
struct looked_place {
	const struct looked_memory *memory;
	uint32_t run;
};

/* Bytes of that span that are in that state. Spans of later calls begin at this one or behind it. */
uint64_t looked_bytes(struct looked_place *p, uint64_t start, uint64_t end, enum memory_page state);

/* What a block takes beside its size. Blocks of later calls have higher numbers. *at: 0 at first. */
struct trk_memory_extra looked_extra(const struct looked_memory *m, uint32_t *at, uint32_t block, uint64_t size);

#endif
