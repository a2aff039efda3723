/*
 * trk.h - the words that every part of tracker shares: error codes, event
 * kinds and the decoded form of an event.
 *
 * Values that reach a file are pinned here and described in docs/FORMAT.md.
 */
#ifndef TRK_H
#define TRK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Every function of the library returns 0 when done, >0 at the end, <0 one of these. */
enum trk_err {
	TRK_OK = 0,
	TRK_ERR_IO = -1,	/* the system refused; errno says why */
	TRK_ERR_NOMEM = -2,
	TRK_ERR_CORRUPT = -3,	/* the bytes contradict the format */
	TRK_ERR_MAGIC = -4,	/* not a capture at all */
	TRK_ERR_VERSION = -5,	/* a capture of a newer major version */
	TRK_ERR_FEATURE = -6,	/* needs a feature that this build does not know */
	TRK_ERR_LIMIT = -7,	/* legal, but larger than we accept */
	TRK_ERR_ARG = -8,	/* the caller asked for something that does not exist */
};

/* Where and why a read failed: filled by whoever finds the fault, printed only by main(). */
struct trk_fault {
	enum trk_err code;
	uint64_t offset;	/* in the file; 0 when it has no place */
	char why[200];		/* one sentence without full stop */
};

/*
 * Kinds of events. 1..14 allocate, 16..23 release, 24..26 are the parts of a realloc
 * or mremap that another thread's events fell between, 27..31 carry no block, 32..36 say what
 * becomes of address space.
 */
enum trk_kind {
	TRK_MALLOC = 1,
	TRK_CALLOC = 2,
	TRK_REALLOC = 3, /* address 0: it failed and old_address lives on */
	TRK_REALLOCARRAY = 4, /* as TRK_REALLOC */
	TRK_POSIX_MEMALIGN = 5,
	TRK_ALIGNED_ALLOC = 6,
	TRK_MEMALIGN = 7,
	TRK_VALLOC = 8,
	TRK_PVALLOC = 9,
	TRK_NEW = 10,
	TRK_NEW_ARRAY = 11,
	TRK_MMAP = 12,
	TRK_MREMAP = 13, /* old_address, old_size: the range it takes the place of; address 0: it failed */
	TRK_TRACK = 14, /* a block of a domain of the program's own */
	TRK_SKIPPED = 15, /* size: so many allocations of the thread before this were not sampled */

	TRK_FREE = 16,
	TRK_DELETE = 17,
	TRK_DELETE_ARRAY = 18,
	TRK_FREE_SIZED = 19,
	TRK_FREE_ALIGNED_SIZED = 20,
	TRK_CFREE = 21,
	TRK_MUNMAP = 22, /* any range: may cut, split or miss what was mapped */
	TRK_UNTRACK = 23,

	/* Of `call`, a realloc, reallocarray or mremap: */
	TRK_REALLOC_RELEASE = 24, /* old_address leaves the live set, for now */
	TRK_REALLOC_ACQUIRE = 25, /* ... and became address; size is the new one */
	TRK_REALLOC_WITHDRAW = 26, /* ... or came back: the call failed */

	TRK_MARK = 27, /* label */
	TRK_REGION_BEGIN = 28, /* label */
	TRK_REGION_END = 29, /* label */
	TRK_EXEC = 30, /* a new program in the same process: nothing of the old one lives */
	TRK_GAP = 31, /* size: number of events lost right here */

	TRK_RESERVE = 32, /* mmap of pages that nothing can touch: reserved, no heap */
	TRK_ARENA = 33, /* mmap of pages that count as heap when they were touched */
	TRK_MPROTECT = 34, /* detail: enum trk_access. Reserved pages become heap, or heap reserved */
	TRK_MADVISE = 35, /* detail: the kernel's number of the advice */
	TRK_TOUCHED = 36, /* pages of arenas that were seen in memory */
	TRK_CLEAR = 37, /* what lives in the process is forgotten, and peaks begin anew */

	TRK_KINDS = 64, /* all are smaller */
};

/* What mprotect lets the program do with the pages. */
enum trk_access { TRK_ACCESS_NONE = 0, TRK_ACCESS_SOME = 1 };

/* Advices that change what is heap: those of Linux, which differ between no two processors. */
enum trk_advice {
	TRK_DONTNEED = 4,
	TRK_FREE_PAGES = 8,
	TRK_REMOVE = 9,
	TRK_POPULATE_READ = 22,
	TRK_POPULATE_WRITE = 23,
};

/*
 * Which block an event ends, or which one an allocation takes the place of because its
 * release was lost: that of the ref-th allocation of the process before the event,
 * 1 the last (predict.h says which allocations count), or one of these:
 */
enum trk_ref {
	TRK_REF_UNKNOWN = 0,	   /* to be looked up by address */
	TRK_REF_NONE = 0xffffffff, /* none; of a release: none of those allocations' */
};

/*
 * A frame of no module that is this and a number n stands as the most recent one of a node: its stack is the n
 * most recent frames of its parent's, of which the older ones are not kept. No program has code there.
 */
#define TRK_FRAME_CUT (1ull << 63)
/*
 * This and a number n, likewise: n is how deep a stack was of which the node's parent has the most recent frames.
 */
#define TRK_FRAME_DEPTH (3ull << 62)

/* The decoded form of one event. Fields that a kind does not use are 0. */
struct trk_event {
	uint64_t time_ns;	/* since the capture began; coarse, never decreasing in a process */
	uint64_t address;
	uint64_t size;		/* bytes asked for */
	uint64_t old_address;	/* realloc, mremap */
	uint64_t old_size;	/* mremap */
	const char *label;	/* not terminated; valid until the next event is decoded */
	uint32_t label_bytes;
	uint32_t process;	/* index of the process in the capture */
	uint32_t thread;	/* index of the thread in the capture */
	uint32_t node;		/* call-tree node of the stack; 0: no stack */
	uint32_t domain;	/* 0 heap */
	uint32_t ref;		/* enum trk_ref */
	uint32_t detail;	/* mprotect, madvise */
	uint8_t kind;		/* enum trk_kind */
	uint8_t call;		/* parts of a realloc: the kind of the whole */
};

static inline bool trk_kind_allocates(uint8_t kind)
{
	return kind >= TRK_MALLOC && kind <= TRK_TRACK;
}

/* One of the parts of a call that was cut in two. */
static inline bool trk_kind_is_part(uint8_t kind)
{
	return kind >= TRK_REALLOC_RELEASE && kind <= TRK_REALLOC_WITHDRAW;
}

/* A call that gives a block back and gets one. */
static inline bool trk_kind_reallocates(uint8_t kind)
{
	return kind == TRK_REALLOC || kind == TRK_REALLOCARRAY || kind == TRK_MREMAP;
}

/* Its blocks are of this kind in sums: what it allocates lives in mappings. */
static inline uint8_t trk_kind_of_blocks(uint8_t kind)
{
	return kind == TRK_RESERVE || kind == TRK_ARENA ? (uint8_t)TRK_MMAP : kind;
}

/* Kinds that have a call stack. */
static inline bool trk_kind_has_stack(uint8_t kind)
{
	return trk_kind_allocates(kind) || kind == TRK_REALLOC_ACQUIRE || kind == TRK_REALLOC_WITHDRAW ||
	       (kind >= TRK_MARK && kind <= TRK_REGION_END) ||
	       (kind >= TRK_RESERVE && kind <= TRK_MADVISE) || kind == TRK_CLEAR;
}

/* Nothing of what lived in the process is there afterwards, and nothing of it was freed. */
static inline bool trk_kind_wipes(uint8_t kind)
{
	return kind == TRK_EXEC || kind == TRK_CLEAR;
}

static inline bool trk_kind_releases(uint8_t kind)
{
	return kind >= TRK_FREE && kind <= TRK_UNTRACK;
}

/* Name as printed by reports: "malloc", "new" (new[] too), "munmap". "unknown" for a value that is none. */
const char *trk_kind_name(uint8_t kind);

#endif
