/*
 * looks - what looks at the memory of processes found (LOOK blocks, docs/FORMAT.md), and which blocks they judged: those that were
 * live at their events.
 */
#ifndef REPLAY_LOOKS_H
#define REPLAY_LOOKS_H

#include "format/idmap.h"
#include "format/look_parts.h"
#include "replay/capture.h"
#include "replay/heap.h"

/* A block that a look judged. */
struct looked_block {
	uint64_t address, size, time_ns; /* of its allocation */
	uint32_t node, thread;
	uint8_t kind;
};

struct looked {
	struct trk_look head;
	struct trk_look_root *roots;
	struct trk_look_block *verdicts; /* by block */
	struct looked_block *blocks; /* by address; NULL: the events do not fit, so it is not known which blocks they are */
	char **types; /* mangled names; number 1 is the first */
	uint32_t root_count, root_room, count, room, type_count, type_room;
	char *label, *reason;
	uint32_t before; /* 1 + the look at the same process before it in the list; 0: none */
	bool last; /* its last part was read */
	/* Of a look for classes. What block i points to: targets[first[i]] .. targets[first[i + 1] - 1]; NULL: not known. */
	char **bases; /* by type: mangled names of its base classes, a newline between */
	uint32_t *targets, bases_room;
	uint64_t *first;
	size_t target_count, target_room, first_count, first_room;
};

struct looks {
	struct looked *list; /* in the order of the file */
	uint32_t *numbers; /* by c->looks: the number of the look of which it is a part; 0: not known, or another block */
	uint32_t count, room;
	uint32_t *last_of; /* by process, less than process_count: 1 + its last look; 0: none */
	uint32_t process_count;
	struct idmap by_number; /* of process and number to 1 + the place in the list */
	uint32_t left_out; /* number of the last look that was not wanted */
};

enum looks_what {
	LOOKS_GRAPHS = 1, /* those for classes, too, with references */
	LOOKS_HEADS = 2 /* only what stands in the heads, for readers of many: of no look it is known what it judged */
};

/*
 * What stands in the file: of one process, UINT32_MAX: of all. what: of enum looks_what. TRK_ERR_CORRUPT: some of it could not be read;
 * TRK_ERR_NOMEM. looks_finish is due either way.
 */
int looks_read(struct looks *ret, const struct capture *c, uint32_t process, unsigned what);
/* One of them alone: ret->list[0], if ret->count. numbers: those of looks_read. Errors as above. */
int looks_read_one(struct looks *ret, const struct capture *c, const uint32_t *numbers, uint32_t process, uint32_t number);
/* Which blocks it judged, from the heap as it is at its event. */
void looked_take_live(struct looked *n, const struct heap *h);
/* Finds out which blocks they judged. Parents and types that do not exist become none. TRK_ERR_NOMEM, or an error of the cursor. */
int looks_place(struct looks *l, struct capture *c);
/* The same for looks_read_one, if it has found the look. */
int looks_place_one(struct looks *l, struct capture *c);
void looks_finish(struct looks *l); /* zero-safe */

/* The look of that number at the process; NULL: there is none. */
struct looked *looks_find(const struct looks *l, uint32_t process, uint32_t number);
/* The last look at the process, and the one at the same process before; NULL: there is none. Not of looks_read_one. */
const struct looked *looks_of(const struct looks *l, uint32_t process);
const struct looked *looks_before(const struct looks *l, const struct looked *n);
/* The last look at the process that says which blocks can be reached; NULL: there is none. */
const struct looked *looks_last(const struct looks *l, uint32_t process);
/* The first look at the process that was taken at a mark, of this label (NULL: of any), not before the time; NULL: there is none. */
const struct looked *looks_at_mark(const struct looks *l, uint32_t process, const char *label, uint64_t time_ns);
/* The verdict on a block of its process; NULL: it was not judged. *ret: its number. */
const struct trk_look_block *looked_find(const struct looked *l, const struct looked_block *b, uint32_t *ret);
/* Where a block of l->blocks ends: at the latest where the next one begins, whatever a damaged file says. */
uint64_t looked_end(const struct looked *l, uint32_t block);

/*
 * The block from which nothing but lost blocks lead to each: its own number for one that is definitely lost, UINT32_MAX for one that is not
 * lost. An array of l->count, the caller's to free. NULL: there is no memory.
 */
uint32_t *looked_leaders(const struct looked *l);

#endif
