/*
 * look_chunks - what the C library's malloc keeps in its heaps beside the blocks of the program, read from its own chunk headers in the
 * copy that a look is made in: free chunks, and by what they are held.
 *
 * A heap is walked from chunk to chunk. The blocks that are live are known, so the walk is checked at each of them: where a header says
 * something that cannot be (a thread was inside malloc), it begins anew at the next block, and what lies between is not told.
 */
#ifndef RECORD_LOOK_CHUNKS_H
#define RECORD_LOOK_CHUNKS_H

#include "look_areas.h"
#include "look_read.h"

struct look_chunks {
	/* Given. */
	const struct look_scene *scene;
	const struct look_areas *areas;
	struct look_read *read;

	struct trk_memory_chunk *list; /* by address */
	uint32_t count, room;
	struct trk_memory_extra *extras; /* by block */
	uint32_t extra_count, extra_room;
	bool no_memory;

	/* Where the walk goes on. */
	uint32_t area, block;
	uint64_t at, end; /* in the area; end 0: it has not begun */
	uint64_t arena; /* the struct malloc_state of the area; 0: not known */
	uint64_t *arenas; /* all of them but the first */
	uint32_t arena_count, arena_room;
	uint64_t top; /* of the first arena; 0: it was not found */
};

/* Goes on until it has read about so many bytes. True: it has finished, or there is no memory. */
bool look_chunks_walk(struct look_chunks *c, uint64_t bytes);
void look_chunks_finish(struct look_chunks *c); /* zero-safe */

/* In look_bins.c: finds out which chunks that are in use by their headers lie in caches, and which are in no bin yet. */
void look_chunks_find_bins(struct look_chunks *c);

/* One word of the copy, anywhere; 0: it cannot be read. */
uint64_t look_chunks_peek(const struct look_chunks *c, uint64_t address);
/* The chunk that begins there; NULL: none. */
struct trk_memory_chunk *look_chunks_at(struct look_chunks *c, uint64_t start);

#endif
