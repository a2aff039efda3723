/*
 * group - the rows of a view, summed by a key: tracemalloc's statistics() and
 * compare_to().
 *
 * A key is a path of atoms (text, number): one for filename (line 0), lineno,
 * function, module, thread, size and type, one per frame for traceback and chain. Paths form a
 * tree, so that a million deep stacks cost one entry a frame, not one a stack.
 * Keys are compared by what they say, so that two captures can be compared.
 */
#ifndef GROUP_H
#define GROUP_H

#include "common/block_types.h"
#include "common/filter.h"
#include "replay/view.h"
#include "symbols/stack.h"

enum group_by {
	GROUP_FILENAME,
	GROUP_LINENO,
	GROUP_TRACEBACK,
	GROUP_FUNCTION,
	GROUP_MODULE,
	GROUP_THREAD,
	GROUP_SIZE,
	GROUP_TYPE,
	GROUP_CHAIN, /* the calls, as chain_name.h names them; a function that calls itself stands there once */
	GROUP_LOCATION, /* "function at file"; not for group_by_parse */
};

/* The two columns of a comparison; a single point uses GROUP_NEW. */
enum group_side {
	GROUP_OLD,
	GROUP_NEW,
	GROUP_SIDES,
};

struct group_value {
	uint64_t size, count;
	struct sampling_error error; /* of them, in a sampled capture */
};

struct group_stat {
	uint32_t path; /* of its key */
	uint32_t number; /* its place before the stats are sorted */
	struct group_value value[GROUP_SIDES];
	/* The stack with the most bytes, for printing one of them. */
	uint32_t node;
	enum group_side node_side;
	uint32_t node_source; /* as its group_source says */
	uint64_t node_size;
	uint64_t stamp; /* last stack counted: recursion counts once */
};

struct grouping {
	struct group_stat *stats;
	size_t stat_count;
	struct group_value total[GROUP_SIDES]; /* the totals of the rows that passed the filters */
	struct group_private *private;
};

/* By enum group_by, up to a NULL. */
extern const char *const group_key_names[];
/* The key of that name; false: there is none. */
bool group_by_parse(const char *text, enum group_by *ret);
const char *group_by_name(enum group_by by);
/* Whether every frame of a stack has such a key: only then can a block count for all of its frames. */
bool group_can_cumulate(enum group_by by);
/*
 * After ui_parse: an unknown key is a usage error, which exits. So is a cumulative grouping by a key that not every
 * frame of a stack has (file, line, function and module are the ones that it has).
 */
enum group_by group_by_check(const char *text, bool cumulative);
/* By what a view must be split for this key. */
void group_by_view(enum group_by by, struct view_options *o);

struct group_options {
	enum group_by by;
	bool portable; /* threads are known by name, not by number, because two captures have different numbers */
	bool hide_runtime; /* what is below main does not count as a frame */
	bool hide_cut; /* nor does what stands for frames that were not kept */
};

/* TRK_ERR_NOMEM. */
int grouping_new(struct grouping **ret, const struct group_options *o);
void grouping_free(struct grouping *g); /* NULL-safe */

/* Where the blocks of a view come from, and which of them count. */
struct group_source {
	const struct capture *capture;
	struct stacks *stacks;
	const struct view *view;
	const struct filters *filters; /* NULL: all pass */
	bool cumulative; /* a block counts for every frame of its stack, once per key */
	type_each *each_type; /* for GROUP_TYPE, which asks it ... */
	void *types; /* ... with this */
	uint32_t number; /* the caller's, for node_source */
};

/* Adds a view to one side. TRK_ERR_NOMEM: the grouping can only be freed. */
int grouping_add(struct grouping *g, enum group_side side, const struct group_source *from);

/*
 * For GROUP_CHAIN: which rows of one side are rows of the other in which a compiler left out frames, or kept them
 * (group_match.c). *ret_into, malloc'ed: for each stat the one that it belongs to, which may be itself.
 */
int grouping_match(const struct grouping *g, uint32_t **ret_into);

/*
 * The keys of a stack, oldest frame first, as numbers that grouping_name() knows; at least one. They live until the next call. A key may
 * stand there more than once. TRK_ERR_NOMEM.
 */
int grouping_keys(struct grouping *g, struct stacks *s, uint32_t node, const uint32_t **ret, size_t *ret_count);
/* The same of a thread. */
int grouping_thread_key(struct grouping *g, const struct capture *c, uint32_t thread, uint32_t *ret);
const char *grouping_name(const struct grouping *g, uint32_t key);

/* By size, count, key, descending; or by abs(size difference), size, abs(count difference), count, key. */
void grouping_sort(struct grouping *g);
void grouping_sort_differences(struct grouping *g);

/* The size of all stats on GROUP_NEW, and of those from `first` on. */
uint64_t grouping_size(const struct grouping *g, size_t first);

/* The atom that stands for the key: of a traceback its most recent frame. */
const char *group_text(const struct grouping *g, const struct group_stat *s, uint64_t *ret_number);
/* The key as printed, malloc'ed: "FILE:LINE", a name, "48 B". NULL: no memory. */
char *group_key(const struct grouping *g, const struct group_stat *s);

/* "0x64 (app)", of several processes "100/0x64 (app)". Returns out. */
char *group_thread(const struct capture *c, uint32_t thread, char *out, size_t room);

/* How many of the frames are the allocator's own at the top; less than n. */
size_t group_skipped(const struct source_frame *frames, size_t n);
/*
 * The frames of `node` without the allocator's own at the top; at least one.
 * Lives until the stacks are asked again.
 */
const struct source_frame *group_frames(struct stacks *s, uint32_t node, size_t *ret_count);
/* Whether the row's stack passes the filters (NULL: all do). */
bool group_passes(struct stacks *s, const struct filters *filters, const struct view_row *r);

#endif
