/*
 * look_mark - which live blocks of a program are reachable, and from where: conservative marking of a copy of its memory.
 *
 * It is plain C without libc, thread-local variables, system calls or memory of its own, because it runs in a child that was forked from
 * the program while its threads stood still (docs/LOOK.md). The recorder plans it, makes room for it and fills it in; tests give it
 * memory of their own.
 *
 * Any aligned word may be a pointer. A block is found by a bit for each granule of 16 bytes in which one begins: the block at or
 * before an address is the number of bits up to there. Pointers pass two rings, so that the cell with the bits, and then the block's
 * record, are fetched long before they are looked at.
 */
#ifndef LOOK_MARK_H
#define LOOK_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format/trk.h"

/* A parent is the number of a block; or, from LOOK_ROOT on, a word of the roots, all of them in a row. */
#define LOOK_ROOT 0x80000000u
#define LOOK_PARENT_LOADER 0xfffffffeu /* the block is a root itself: the dynamic loader made it */
#define LOOK_PARENT_NONE 0xffffffffu

#define LOOK_LARGE 1u /* its size is in units of 16 bytes, rounded up */
#define LOOK_SEED 2u /* it is a root itself */
#define LOOK_INSIDE 4u /* a pointer into its middle was met */
#define LOOK_UNREADABLE 8u /* its memory is not to be read */

/* In the order of addresses. */
struct look_block {
	uint32_t low;
	uint16_t high;
	uint8_t verdict, flags;
	uint32_t size;
	uint32_t parent;
};

static inline uint64_t look_address(const struct look_block *b)
{
	return (uint64_t)b->high << 32 | b->low;
}

static inline uint64_t look_size(const struct look_block *b)
{
	return b->flags & LOOK_LARGE ? (uint64_t)b->size * 16 : b->size;
}

struct look_block look_block_of(uint64_t address, uint64_t size, uint8_t flags);

/* Memory in which every word may be a pointer. */
struct look_root {
	const uint8_t *bytes; /* where it can be read */
	uint64_t words;
	uint64_t first; /* words of the roots before it */
};

/* Memory of files, in which virtual tables stand. In the order of addresses. */
struct look_file {
	uint64_t start, end;
};

struct look_cell {
	uint64_t bits; /* a block begins in this granule */
	uint32_t rank; /* blocks before the cell */
	uint32_t pad;
};

#define LOOK_TYPES 4096u /* the most virtual tables that are told apart */
#define LOOK_OTHERS 2048u /* words of files that are none, which are remembered */

/* A virtual table that a block begins with. */
struct look_type {
	uint64_t table; /* 0: there is none here */
	uint64_t name; /* the address of the mangled name of the type, which ends with a zero */
};

struct look_marking {
	/* Given. Two blocks never begin in one granule of 1 << shift bytes. */
	struct look_block *blocks;
	const struct look_root *roots;
	const struct look_file *files;
	uint32_t block_count, root_count, file_count;
	uint32_t shift; /* 4 or 3 */
	uint64_t no_address; /* bits of a word that are no part of an address: the program keeps something else there */
	uint64_t libc_first, libc_end; /* words of roots that are the C library's own: its pointers to free memory are no evidence */
	/* Where `bytes` bytes of the program's memory at `address` can be read; NULL: nowhere. No function: where they are. */
	const uint8_t *(*memory)(const void *context, uint64_t address, uint64_t bytes);
	const void *context;

	/* Planned by look_plan. */
	uint64_t low, high; /* blocks lie in [low, high); low is a multiple of 1 GiB */
	uint32_t top_count, table_count, group_count;

	/* Room: zeros. top_count; table_count * 1024; group_count * look_group_cells; block_count. */
	uint32_t *top, *tables;
	struct look_cell *cells;
	uint32_t *stack;

	/* Room for types: zeros. LOOK_TYPES; LOOK_OTHERS. */
	struct look_type *types;
	uint64_t *others;
	uint32_t type_count;

	/* For references; NULL: none are wanted. Of block i: counts[i] of the targets, behind those of the blocks before. */
	uint32_t *counts, *targets;
	uint64_t target_room, target_count, cut; /* cut: so many found no room */

	uint32_t finished; /* how far it has come: enum look_finished */
};

enum look_finished { LOOK_BEGUN,
		     LOOK_MARKED,
		     LOOK_TYPED };

static inline uint32_t look_group_cells(const struct look_marking *m)
{
	return 1u << (14 - m->shift);
}

/* Finds shift and the sizes of the index. False: two blocks are closer than 8 bytes, or overlap in a way that cannot be indexed. */
bool look_plan(struct look_marking *m);

/* Builds the index and sets verdict and parent of every block; and finds references, if they are wanted. */
void look_mark(struct look_marking *m);
/* look_graph.c: the references, when the index is built. */
void look_graph(struct look_marking *m);

/* After look_mark: m->stack has of each block 1 + its type's place in m->types * LOOK_HELDS + enum look_held; 0: no virtual table says what it is. */
void look_types(struct look_marking *m);

#endif
