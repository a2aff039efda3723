/*
 * heap_saved - takes out the live set of a heap at one moment and puts it into an empty heap, which then goes on as
 * the first one does. It leaves out the past: totals, peaks, and which blocks would be temporary.
 */
#ifndef REPLAY_HEAP_SAVED_H
#define REPLAY_HEAP_SAVED_H

#include "format/keyframe.h"
#include "replay/heap.h"

/* Where a live set goes. `progress` (may be NULL) is called every few thousand blocks. */
struct heap_saver {
	void *data;
	void (*process)(void *data, const struct keyframe_process *p);
	void (*block)(void *data, const struct keyframe_block *b);
	void (*progress)(void *data);
};

/* The largest number of blocks that will be told. */
uint64_t heap_save_bound(const struct heap *h);

/*
 * Tells the processes that have not ended, by ascending index, and the blocks of each: those of the heap by ascending
 * address, including those that a realloc in two parts holds, then the fragments of mappings that are heap, then
 * those of reservations. TRK_ERR_NOMEM: not all were told.
 */
int heap_save(const struct heap *h, const struct heap_saver *s);

/* The same of one process, whose blocks only are told; progress may be called. */
int heap_save_process(const struct heap *h, uint32_t process, const struct heap_saver *s);

/* ---- putting one in ---- */

struct heap_restorer {
	struct heap *heap;
	struct heap_process *process;
	uint32_t index;
	uint64_t last_end; /* of the pieces of the process so far */
	uint32_t *pieces; /* of the process: where they are kept */
	uint32_t count, room;
	bool reserved; /* its reservations have begun */
};

/* The heap must be new. */
struct heap_restorer heap_restore(struct heap *h);
void heap_restore_finish(struct heap_restorer *r);

/*
 * Takes blocks as heap_save told them. A process may be told again while it is the last. The observer gets them by
 * `restored`. TRK_ERR_NOMEM; TRK_ERR_CORRUPT: two blocks have one address, or fragments overlap.
 */
int heap_restore_process(struct heap_restorer *r, const struct keyframe_process *p);
int heap_restore_block(struct heap_restorer *r, const struct keyframe_block *b);

/* All blocks were told: the present live set is the first peak. */
void heap_restore_end(struct heap_restorer *r, uint64_t time_ns);

/*
 * Forgets the past: a new capture begins here, as if the present live set had been restored. Processes that have
 * ended are forgotten.
 */
void heap_begin_here(struct heap *h, uint64_t time_ns);

#endif
