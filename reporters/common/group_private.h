/*
 * group_private - what group.c, which counts, and group_keys.c, which says what rows are counted by, share.
 */
#ifndef GROUP_PRIVATE_H
#define GROUP_PRIVATE_H

#include "common/group.h"
#include "common/stack_tree.h"
#include "format/idmap.h"
#include "symbols/keymap.h"

#define GROUP_NO_STAT UINT32_MAX

/* A part of a key: a file, a line of one, a function, a thread ... */
struct group_atom {
	char *text;
	uint64_t number;
};

/* A key: atoms, one behind another, as a node of the tree. Most have one. */
struct group_path {
	uint32_t depth;
	uint32_t stat; /* GROUP_NO_STAT: no stack ends here */
};

struct group_private {
	struct group_options options;
	struct group_atom *atoms;
	struct stack_tree tree; /* its items are atoms */
	struct group_path *paths; /* by node */
	size_t atom_count, atom_room, path_room, stat_room;
	struct idmap by_atom; /* places in `atoms`, from 1 */
	struct keymap frame_atoms; /* frame of the capture being added, inlined depth */
	uint32_t *scratch; /* atoms of one stack */
	size_t scratch_room;
	uint64_t stamp;
};

/* Numbers of keys and of their parts; all TRK_ERR_NOMEM. */
int group_atom_of(struct group_private *p, const char *text, uint64_t number, uint32_t *ret);
int group_thread_atom(struct group_private *p, const struct capture *c, uint32_t thread, uint32_t *ret);
/* `inlined`: how many frames of the same machine frame are above this one. */
int group_frame_atom(struct group_private *p, const struct source_frame *f, uint32_t inlined, uint32_t *ret);
/* For GROUP_CHAIN, of a frame that counts whatever it is. */
int group_chain_atom(struct group_private *p, const struct source_frame *f, uint32_t *ret);
int group_path_of(struct group_private *p, uint32_t parent, uint32_t atom, uint32_t *ret);

/* As CPython compares tracebacks: from the oldest frame; a prefix comes before what it begins. */
int group_compare_paths(const struct group_private *p, uint32_t a, uint32_t b);

#endif
