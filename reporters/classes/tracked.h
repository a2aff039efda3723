/*
 * tracked - what a capture says of classes and objects that programs track (docs/FORMAT.md, "Classes"): which objects there were, when they
 * lived, and how large they and what they lead to were at each snapshot.
 */
#ifndef REPORTERS_TRACKED_H
#define REPORTERS_TRACKED_H

#include "common/report.h"
#include "format/idmap.h"

#define TRACKED_ALIVE UINT64_MAX /* in place of a time */

/* Texts by number, from 1; 0: "". */
struct tracked_names {
	char **list;
	uint32_t count, room;
	struct idmap map;
};

/* 0: no memory. */
uint32_t tracked_name(struct tracked_names *n, const char *text, size_t bytes);
static inline const char *tracked_text(const struct tracked_names *n, uint32_t name)
{
	return name && name <= n->count ? n->list[name - 1] : "";
}

/* A class that is tracked, as the program asked for it. */
struct tracked_rule {
	char *pattern; /* of fnmatch */
	bool derived; /* it ended in '+' */
	bool active, trace, keep;
	uint32_t shown; /* name to show; 0: that of the type */
	uint32_t process, level;
	uint64_t since, since_ns; /* newest allocation of the process, and the time, when it began */
	uint64_t matched, told; /* objects; of these: that only the program itself knows as such */
	uint32_t next; /* of the same process, in the order of the program: place + 1 */
};

/* A rule of which no object was met, in that many processes; `rule` is that of the first one. */
struct tracked_unmet {
	uint32_t rule, count;
};

/* Objects of a process that were of a class in the end, those that are not kept any more, too. */
struct tracked_met {
	uint32_t process, class;
	uint64_t count;
};

/* How it is known what an object is, the surest first. */
enum tracked_by { TRACKED_BY_OBJECT, /* tracker_track_object */
		  TRACKED_BY_ANNOTATION,
		  TRACKED_BY_FRAMES,
		  TRACKED_BY_TABLE /* its virtual table, at a snapshot */ };

struct tracked_object {
	uint64_t address, size, birth_ns, end_ns, number; /* end: TRACKED_ALIVE; number: of its allocation */
	uint64_t largest; /* at a snapshot */
	uint32_t process, thread, node, class, label;
	uint32_t place; /* in the list of those that live */
	uint32_t first_size, last_size; /* places in `sizes` + 1 */
	uint8_t level, by;
	bool trace, died; /* it died; otherwise it was detached */
	bool kept; /* it died, and stayed in memory */
};

/* The size of an object at a snapshot. */
struct tracked_size {
	uint64_t size;
	uint32_t object, snapshot, next; /* of the same object: place + 1 */
	uint32_t referents, referent_count;
};

/* What an object leads to: a tree, each branch behind its parent, the largest first. */
struct tracked_referent {
	uint64_t size;
	uint32_t name, level;
};

enum tracked_figure { FIGURE_VSZ,
		      FIGURE_RSS,
		      FIGURE_DATA,
		      FIGURE_CODE,
		      FIGURE_STACK,
		      FIGURE_SHARED,
		      FIGURE_PEAK,
		      FIGURE_HWM,
		      FIGURE_LCK,
		      FIGURE_PTE,
		      FIGURE_MINFLT,
		      FIGURE_MAJFLT,
		      FIGURE_ARENA,
		      FIGURE_INUSE,
		      FIGURE_FREE,
		      FIGURE_MMAPPED,
		      FIGURE_TRACKER,
		      TRACKED_FIGURES };
extern const char *const tracked_figures[TRACKED_FIGURES];

struct tracked_sum {
	uint32_t class;
	uint64_t active, bytes;
};

struct tracked_snapshot {
	uint64_t at_ns; /* since the process began */
	uint32_t process, look;
	char *description;
	bool periodic, deep; /* deep: sizes are with what the objects lead to */
	bool total; /* what can be reached, and what cannot, was wanted; known if deep */
	char *reason; /* why the memory was not looked at; "" */
	uint64_t figures[TRACKED_FIGURES];
	uint32_t known; /* a bit for each figure */
	uint64_t heap_bytes, heap_blocks, reachable, unreachable, tracked_bytes;
	struct tracked_sum *sums; /* of its classes, by name */
	uint32_t sum_count, sum_room;
};

/* A class gained an object, or lost one. */
struct tracked_change {
	uint64_t at_ns;
	uint32_t class, process;
	int32_t by;
};

struct tracked {
	struct report *report;
	bool wants_objects, wants_changes; /* given: sizes of each object; history */
	struct tracked_names names;
	struct tracked_rule *rules;
	size_t rule_count, rule_room;
	struct tracked_unmet *unmet;
	size_t unmet_count;
	struct tracked_met *met;
	uint32_t met_count, met_room;
	struct idmap met_map; /* of process and class */
	struct tracked_object *objects;
	size_t object_count, object_room;
	struct tracked_size *sizes;
	size_t size_count, size_room;
	struct tracked_referent *referents;
	size_t referent_count, referent_room;
	struct tracked_snapshot *snapshots;
	size_t snapshot_count, snapshot_room;
	struct tracked_change *changes;
	size_t change_count, change_room;
	uint32_t *classes; /* names of all classes that had objects, sorted by their text */
	uint32_t class_count;
	uint64_t kept_count, kept_bytes; /* objects that stayed in memory after their release */
	uint64_t over_count; /* that were to stay, but for the limit */
	uint64_t left_out; /* objects that died before a snapshot saw them and are not listed; changes and sizes that found no room */
};

/* Reads the capture of r. UI_OK, or an exit code: it has said why. */
int tracked_read(struct tracked *t, struct report *r);
void tracked_finish(struct tracked *t); /* zero-safe */

/* Whether the rule is of a process that the report is about: a forked one's parents are read, too. */
static inline bool tracked_shows(const struct tracked *t, const struct tracked_rule *r)
{
	return t->report->process == UINT32_MAX || t->report->process == r->process;
}

#endif
