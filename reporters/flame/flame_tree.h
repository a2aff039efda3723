/*
 * flame_tree - stacks with weights, added up from the root: the flame graph itself.
 * No function of it recurses: a stack may be as deep as a capture says.
 */
#ifndef FLAME_TREE_H
#define FLAME_TREE_H

#include "common/stack_tree.h"
#include "flame/flame_names.h"
#include "replay/view.h"
#include "symbols/keymap.h"

struct flame_node {
	uint32_t frame; /* of the heaviest stack, when lines are set aside */
	uint32_t group; /* thread, when split; else 0 */
	uint64_t bytes, count; /* of view 0, with all that is above it; after flame_tree_seal */
	uint64_t own_bytes, own_count;
	double share; /* its part of the whole, in the view and by the figure of which that is most; after flame_tree_seal */
};

#define FLAME_VIEWS 4u /* at most: answers to so many questions */

/* What one group owns at one node. */
struct flame_row {
	uint32_t node, group, view;
	uint64_t bytes, count;
};

/* A process, or one of its threads: what the reader of a page can choose. */
struct flame_group {
	uint32_t process, thread; /* indices; thread UINT32_MAX: all of them */
};

struct flame_tree {
	struct flame_names names;
	struct stack_tree tree; /* after flame_tree_seal the heaviest child first */
	struct flame_node *nodes; /* by node */
	struct flame_row *rows;
	struct flame_group *groups;
	size_t node_room, row_count, row_room, group_count, group_room;
	struct keymap grouped; /* items, if by_group: of frame and group */
	bool by_line, by_group;
};

struct flame_options {
	bool inverted; /* the allocating function first, its callers above it */
	bool drop_hidden; /* leave irrelevant frames out, not just marked */
	bool no_skip; /* no frame is irrelevant */
	bool by_line; /* a function has a node per line */
	bool by_group; /* nodes of different threads are never the same */
	bool threads; /* groups are threads, not processes */
};

int flame_tree_new(struct flame_tree **ret, const struct flame_options *o);
void flame_tree_free(struct flame_tree *t); /* NULL-safe */

/* Adds one stack: frames (numbers of t->names) from the root on. TRK_ERR_NOMEM. */
int flame_tree_add(struct flame_tree *t, const uint32_t *frames, size_t count,
		   const struct flame_row *weight);

/* Adds every row of a view, as that of number `view`. `progress` may be NULL. TRK_ERR_NOMEM. */
struct ui_progress;
int flame_tree_fill(struct flame_tree *t, struct capture *c, struct stacks *s, const struct view *v, uint32_t view,
		    const struct flame_options *o, struct ui_progress *progress);

/* Sums up and sorts; nothing can be added any more. TRK_ERR_NOMEM. */
int flame_tree_seal(struct flame_tree *t);

/* "0x4d2 (worker)". Returns `out`. */
char *flame_thread_label(const struct capture *c, uint32_t thread, char *out, size_t room);

#endif
