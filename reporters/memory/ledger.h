/*
 * ledger - what the resident memory of a process consisted of at a look: rows that add up. What of the heap is no live block and no
 * known chunk is held, so the rows of a heap always add up to its pages.
 */
#ifndef REPORTERS_MEMORY_LEDGER_H
#define REPORTERS_MEMORY_LEDGER_H

#include "replay/looked_memory.h"
#include "replay/looks.h"

enum ledger_row { LEDGER_LIVE,
		  LEDGER_SLACK,
		  LEDGER_HEADERS,
		  LEDGER_TOP,
		  LEDGER_UNSORTED,
		  LEDGER_LARGE,
		  LEDGER_SMALL,
		  LEDGER_TCACHE,
		  LEDGER_FASTBIN,
		  LEDGER_OWN,
		  LEDGER_IN_USE,
		  LEDGER_HELD,
		  LEDGER_MAPPED,
		  LEDGER_STACKS,
		  LEDGER_OLD_STACKS,
		  LEDGER_FILES,
		  LEDGER_SHARED,
		  LEDGER_TRACKER,
		  LEDGER_KERNEL,
		  LEDGER_UNKNOWN,
		  LEDGER_ROWS };

/* A heap of an allocator: an area that is one. */
struct ledger_heap {
	uint64_t start, bytes, resident, live, count; /* live: bytes of chunks with blocks that are resident */
	uint32_t kind;
};

struct ledger_file {
	const char *name; /* not terminated */
	size_t name_bytes;
	uint64_t resident, swapped;
};

/* What one stack's blocks keep: pages that are nearly empty but for them. */
struct ledger_pin {
	uint32_t node;
	uint64_t bytes, count; /* that are free in these pages; of blocks */
};

struct ledger {
	uint64_t resident[LEDGER_ROWS], swapped[LEDGER_ROWS];
	uint64_t sum, sum_swapped, huge;
	uint64_t untouched; /* of live blocks: nowhere */
	uint64_t trim; /* that malloc_trim(0) would give back */
	struct ledger_heap *heaps;
	struct ledger_file *files; /* the biggest first */
	struct ledger_pin *pins; /* by stack */
	uint64_t pinned, pinned_pages;
	uint32_t heap_count, heap_room, file_count, file_room, pin_count, pin_room;
};

/* The look's blocks must be known. TRK_ERR_NOMEM. ledger_finish is due either way. */
int ledger_make(struct ledger *l, const struct looked *look, const struct looked_memory *m);
void ledger_finish(struct ledger *l); /* zero-safe */

/* In ledger_pins.c: pages of the heap area that hold little beside a few blocks, of which the first one is given. TRK_ERR_NOMEM. */
int ledger_find_pins(struct ledger *l, const struct looked *look, const struct looked_memory *m, const struct trk_memory_area *a, uint32_t first,
		     uint32_t end);
/* One row for each stack. */
void ledger_join_pins(struct ledger *l);

#endif
