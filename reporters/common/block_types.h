/*
 * block_types - the type of what a block holds, by what its allocating frames are called: std::allocator<T>::allocate,
 * std::make_shared<T>, T::operator new and the like say it, in programs that nobody has changed.
 */
#ifndef REPORTERS_BLOCK_TYPES_H
#define REPORTERS_BLOCK_TYPES_H

#include "replay/view.h"
#include "symbols/stack.h"

/* What says it, the surest first. What a later rule says counts only where no earlier one says anything. */
enum type_rule {
	TYPE_BY_ANNOTATION, /* the program has said it (tracker_annotate) */
	TYPE_BY_FRAMES, /* the allocating frames */
	TYPE_BY_TABLE, /* the virtual table to which the block pointed when the memory was looked at */
	TYPE_BY_VARIABLE, /* debug information: of the pointer that the allocating line declares */
	TYPE_BY_SITE, /* nothing: the place of the allocation stands for it */
	TYPE_RULES,
};
extern const char *const type_rules[TYPE_RULES];

#define TYPE_ROOM 1024u

/* Blocks of one type, which lives until it returns. A code other than 0 ends it, and is returned. */
typedef int type_tell(void *data, enum type_rule rule, const char *type, uint64_t size, uint64_t count);
/* Tells of all blocks of a row. `types`: who knows them. */
typedef int type_each(void *types, const struct view_row *row, type_tell *tell, void *data);

/*
 * The type, in buf, by the frames of a stack (stacks_frames: those of allocators, too). TYPE_BY_SITE: they do not say it, and buf has
 * "FUNCTION:FILE:LINE" of the most recent frame that is no allocator's.
 */
enum type_rule type_of_frames(const struct source_frame *frames, size_t n, char buf[TYPE_ROOM]);

/* The type by the mangled name of its type information ("N3geo4NodeE"). What std::make_shared made is named after what it holds. */
void type_of_mangled(const char *mangled, char buf[TYPE_ROOM]);

#endif
