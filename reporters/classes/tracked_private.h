/* tracked_private - the state of the reading: tracked.c takes events, tracked_told.c those of classes, tracked_types.c finds out what blocks are, tracked_sizes.c measures. */
#ifndef REPORTERS_TRACKED_PRIVATE_H
#define REPORTERS_TRACKED_PRIVATE_H

#include "classes/tracked.h"
#include "replay/heap.h"
#include "replay/looks.h"

#define NO_RULE UINT32_MAX
#define NO_OBJECT UINT32_MAX

/* What is known of a live block: heap_block.user is its place + 1. */
struct note {
	uint32_t type; /* what the program says that it is: a name; 0: nothing */
	uint32_t object;
	uint32_t next_free; /* place + 1 */
};

struct tracked_process {
	bool begun;
	uint32_t heir; /* while it begins: its child that begins next */
	bool tells; /* of a report about a process that it forked */
	uint32_t first_rule, last_rule; /* places + 1 */
	uint64_t newest; /* number of its newest allocation */
	uint32_t rules; /* that are active */
	uint32_t *live; /* objects */
	uint32_t live_count, live_room;
};

struct reading {
	struct tracked *t;
	struct heap *heap;
	struct tracked_process *processes;
	struct note *notes;
	uint32_t note_count, note_room, free_note;
	uint32_t *node_types; /* by node: the name that its frames say, + 1; 0: not asked yet */
	uint32_t *free_objects;
	uint32_t free_count, free_room;
	struct match { /* by name: the last answer, as of `serial` and of that process */
		uint64_t serial;
		uint32_t process, rule;
	} * matches;
	uint32_t match_room;
	struct sum_place { /* by name: where its sum stands at that snapshot, both + 1 */
		uint32_t snapshot, place;
	} * sum_places;
	uint32_t sum_place_room;
	uint64_t serial; /* changes with the rules */
	struct looks looks; /* their heads */
	bool no_memory;
};

/* ---- tracked_types.c ---- */

/* The name of the type that the frames of the node say; 0: none. */
uint32_t tracked_type_of_node(struct reading *x, uint32_t node);
/* The active rule of that process that matches a type; NO_RULE. bases: names of its base classes, all of them. */
uint32_t tracked_match(struct reading *x, uint32_t process, uint32_t type, const uint32_t *bases, uint32_t base_count);
/* What stands for a block in reports: its type, or the place that allocated it. */
uint32_t tracked_name_of_block(struct reading *x, uint32_t annotated, uint32_t node, uint32_t by_table);
/* Of a typeinfo's name: "geo::Node". */
uint32_t tracked_demangled(struct reading *x, const char *mangled);

/* ---- tracked.c ---- */

/* Tracks the block. rule: NO_RULE: it is tracked by itself. NO_OBJECT: no memory. */
uint32_t tracked_add(struct reading *x, const struct heap_block *b, uint32_t class, uint32_t rule, enum tracked_by by);
/* Whether what the rule says holds for a block that was allocated then. */
bool tracked_is_younger(const struct reading *x, uint32_t rule, const struct heap_block *b);
struct note *tracked_note(struct reading *x, uint32_t process, const struct heap_block *b);

/* An object of that class; the block's note is the caller's. */
uint32_t tracked_fill(struct reading *x, const struct heap_block *b, uint32_t class, uint32_t rule, enum tracked_by by);
/* It died, or is not tracked any more. */
void tracked_end(struct reading *x, uint32_t id, uint64_t at_ns, bool died);
/* The name under which the rule shows an object of that type. */
uint32_t tracked_shown(const struct reading *x, uint32_t rule, uint32_t type);
/* So many objects more turn out to be of that class. */
void tracked_meet(struct reading *x, uint32_t process, uint32_t class, int by);
/* The class has so many objects more. */
void tracked_count(struct reading *x, uint64_t at_ns, uint32_t process, uint32_t class, int32_t by);

/* ---- tracked_told.c ---- */

struct tracked_process *tracked_process_of(struct reading *x, uint32_t process);
/* Events of their kinds, of processes that the capture knows. */
void tracked_annotate(struct reading *x, const struct trk_event *e);
void tracked_class_event(struct reading *x, const struct trk_event *e);
/* Only what it says of rules: of a process whose blocks are not read. */
void tracked_class_told(struct reading *x, const struct trk_event *e);

/* ---- tracked_sizes.c ---- */

/* Measures what lives in the snapshot's process now. */
void tracked_measure(struct reading *x, struct tracked_snapshot *s, uint32_t number);

#endif
