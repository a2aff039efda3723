/*
 * looks - what looks at the memory of processes found (LOOK blocks, docs/FORMAT.md), and which blocks they judged: those that were
 * live at their events.
 */
#ifndef REPLAY_LOOKS_H
#define REPLAY_LOOKS_H

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
	bool last; /* its last part was read */
	/* Of a look for classes. What block i points to: targets[first[i]] .. targets[first[i + 1] - 1]; NULL: not known. */
	char **bases; /* by type: mangled names of its base classes, a newline between */
	uint32_t *targets, bases_room;
	uint64_t *first;
	size_t target_count, target_room, first_count, first_room;
};

struct looks {
	struct looked *list; /* in the order of the file */
	uint32_t count, room;
	uint32_t left_out; /* number of the last look that was not wanted */
};

/* What stands in the file: of one process, UINT32_MAX: of all. TRK_ERR_CORRUPT: some of it could not be read; TRK_ERR_NOMEM. */
/* graphs: those for classes, too, with references. */
int looks_read(struct looks *ret, const struct capture *c, uint32_t process, bool graphs);
/* The number of the look that each of c->looks is a part of, 0 for other blocks; the caller's. NULL: there is no memory. */
uint32_t *looks_numbers(const struct capture *c);
/* One of them alone, for readers of many: ret->list[0], if ret->count. Errors as above. */
int looks_read_one(struct looks *ret, const struct capture *c, const uint32_t *numbers, uint32_t process, uint32_t number);
/* Which blocks it judged, from the heap as it is at its event. */
void looked_take_live(struct looked *n, const struct heap *h);
/* Finds out which blocks they judged. Parents and types that do not exist become none. TRK_ERR_NOMEM, or an error of the cursor. */
int looks_place(struct looks *l, struct capture *c);
void looks_finish(struct looks *l); /* zero-safe */

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
