/*
 * kind - the kinds of events. Everything that is known about a kind is in one table, and nowhere else.
 *
 * TRK_KIND_TABLE has a row for each kind. The enum, names, forms, actions and flags below are made from it, and so are
 * the tables of the code that does something by kind (event.c, heap.c, dump.c). To add a kind, add a row: docs/HOWTO-
 * event-kind.md. Numbers and forms reach files and never change (docs/FORMAT.md, "EVENTS").
 */
#ifndef TRK_KIND_H
#define TRK_KIND_H

#include <stdbool.h>
#include <stdint.h>

/* Which fields of struct trk_event the kind has, and so its operands in the file and, if libtracker tells it, on the wire. */
enum trk_form {
	TRK_FORM_NONE, /* no kind */
	TRK_FORM_BLOCK, /* address, size */
	TRK_FORM_REALLOC, /* old_address, address, size */
	TRK_FORM_MREMAP, /* old_address, old_size, address, size */
	TRK_FORM_TRACK, /* domain, address, size */
	TRK_FORM_ADDRESS, /* address */
	TRK_FORM_UNTRACK, /* domain, address */
	TRK_FORM_RELEASE, /* call, old_address; old_size of an mremap. Parts of a call: */
	TRK_FORM_ACQUIRE, /* ... address and size, too */
	TRK_FORM_WITHDRAW, /* ... size, too */
	TRK_FORM_LABEL, /* label */
	TRK_FORM_LOST, /* size: a number of events */
	TRK_FORM_COUNT, /* size: a number of allocations */
	TRK_FORM_LOOK, /* size: the number of a look */
	TRK_FORM_BARE, /* size, which has no meaning and is 0 */
	TRK_FORM_ACCESS, /* address, size, detail: enum trk_access */
	TRK_FORM_ADVICE, /* address, size, detail: enum trk_advice */
	TRK_FORM_REQUEST, /* address, size, detail: the kind of the call, old_size: the alignment asked for */
	TRK_FORM_TYPED, /* address, size: a number of objects, or enum trk_class_op; label */
	TRK_FORM_UNKNOWN, /* size: its number; detail: enum trk_escape; label: its payload, not for reading */
	TRK_FORMS,
};

/* What the kind does to the live set of its process: reporters/replay/heap.c. */
enum trk_action {
	TRK_DOES_NOTHING,
	TRK_DOES_MAKE, /* a block at address, unless that is 0 */
	TRK_DOES_REALLOCATE, /* ends the block at old_address and makes one, unless address is 0 */
	TRK_DOES_END, /* the block at address */
	TRK_DOES_RELEASE, /* the parts of a realloc or mremap */
	TRK_DOES_ACQUIRE,
	TRK_DOES_WITHDRAW,
	TRK_DOES_MAP, /* changes pages, as the next seven do */
	TRK_DOES_RESERVE,
	TRK_DOES_REMAP,
	TRK_DOES_UNMAP,
	TRK_DOES_PROTECT,
	TRK_DOES_ADVISE,
	TRK_DOES_TOUCH,
	TRK_DOES_WIPE, /* nothing lives any more */
	TRK_DOES_CLEAR, /* ... and peaks begin anew */
	TRK_DOES_SKIP, /* counts allocations that were not sampled */
	TRK_DOES_LOSE, /* counts events that were lost */
	TRK_DOES_MARK, /* counts marks */
};

/* How libtracker tells the recorder of it (format/wire.h). */
enum trk_telling {
	TRK_TOLD_NEVER, /* only the recorder writes it, or it is told in another way */
	TRK_TOLD_COMMON, /* nearly all records: an address, perhaps a size */
	TRK_TOLD_PLAIN, /* the record has this kind */
	TRK_TOLD_MAPPED, /* as the record of a mapping of this kind */
	TRK_TOLD_RARE, /* behind the wire's escape */
};

enum trk_kind_flag {
	TRK_HAS_STACK = 1,
	TRK_ALLOCATES = 2, /* is counted as an allocation */
	TRK_RELEASES = 4, /* ends a block, or pages */
	TRK_REALLOCATES = 8, /* a call that gives a block back and gets another */
	TRK_NUMBERED = 16, /* its allocation has a number, which refs count by: "PREDICTED" */
	TRK_BY_ADDRESS = 32, /* its block is looked up in the table of blocks */
	TRK_MAPS = 64, /* its blocks are of kind mmap in sums */
	TRK_PIECES = 128, /* its blocks are fragments of mappings */
	TRK_SAMPLED = 256, /* a sampled recording has only some of them */
	TRK_ESCAPED = 512, /* is written behind the escape ("Escape"), as all kinds from 38 on are */
	TRK_REQUIRED = 1024, /* ... and a reader that does not know it must not read on */

	/* The flags of all kinds that allocate on the heap, or release there. */
	TRK_HEAP_ALLOCATION = TRK_HAS_STACK | TRK_ALLOCATES | TRK_NUMBERED | TRK_BY_ADDRESS | TRK_SAMPLED,
	TRK_HEAP_RELEASE = TRK_RELEASES | TRK_BY_ADDRESS,
};

/*
 * X(a, id, number, name, form, does, told, flags): `a` is passed on. The name is what reports print. The array forms
 * of new and delete share the name of the single ones, because reports sum by name, and people ask "how much by new".
 */
#define TRK_KIND_TABLE(X, a)                                                                                                        \
	X(a, MALLOC, 1, "malloc", BLOCK, MAKE, COMMON, TRK_HEAP_ALLOCATION)                                                         \
	X(a, CALLOC, 2, "calloc", BLOCK, MAKE, COMMON, TRK_HEAP_ALLOCATION)                                                         \
	/* address 0: it failed, and old_address lives on */                                                                        \
	X(a, REALLOC, 3, "realloc", REALLOC, REALLOCATE, COMMON, TRK_HEAP_ALLOCATION | TRK_REALLOCATES)                             \
	X(a, REALLOCARRAY, 4, "reallocarray", REALLOC, REALLOCATE, COMMON, (TRK_HEAP_ALLOCATION & ~TRK_NUMBERED) | TRK_REALLOCATES) \
	X(a, POSIX_MEMALIGN, 5, "posix_memalign", BLOCK, MAKE, COMMON, TRK_HEAP_ALLOCATION)                                         \
	X(a, ALIGNED_ALLOC, 6, "aligned_alloc", BLOCK, MAKE, COMMON, TRK_HEAP_ALLOCATION)                                           \
	X(a, MEMALIGN, 7, "memalign", BLOCK, MAKE, COMMON, TRK_HEAP_ALLOCATION)                                                     \
	X(a, VALLOC, 8, "valloc", BLOCK, MAKE, COMMON, TRK_HEAP_ALLOCATION)                                                         \
	X(a, PVALLOC, 9, "pvalloc", BLOCK, MAKE, COMMON, TRK_HEAP_ALLOCATION)                                                       \
	X(a, NEW, 10, "new", BLOCK, MAKE, COMMON, TRK_HEAP_ALLOCATION)                                                              \
	X(a, NEW_ARRAY, 11, "new", BLOCK, MAKE, COMMON, TRK_HEAP_ALLOCATION)                                                        \
	X(a, MMAP, 12, "mmap", BLOCK, MAP, MAPPED, TRK_HAS_STACK | TRK_ALLOCATES | TRK_PIECES)                                      \
	/* old_address, old_size: the range that it replaces; address 0: it failed */                                               \
	X(a, MREMAP, 13, "mremap", MREMAP, REMAP, PLAIN, TRK_HAS_STACK | TRK_ALLOCATES | TRK_PIECES | TRK_REALLOCATES)              \
	/* a block of a domain of the program's own */                                                                              \
	X(a, TRACK, 14, "track", TRACK, MAKE, PLAIN, TRK_HAS_STACK | TRK_ALLOCATES | TRK_BY_ADDRESS)                                \
	/* so many allocations of the thread before this were not sampled */                                                        \
	X(a, SKIPPED, 15, "skipped", COUNT, SKIP, NEVER, 0)                                                                         \
	X(a, FREE, 16, "free", ADDRESS, END, COMMON, TRK_HEAP_RELEASE)                                                              \
	X(a, DELETE, 17, "delete", ADDRESS, END, COMMON, TRK_HEAP_RELEASE)                                                          \
	X(a, DELETE_ARRAY, 18, "delete", ADDRESS, END, COMMON, TRK_HEAP_RELEASE)                                                    \
	X(a, FREE_SIZED, 19, "free_sized", ADDRESS, END, COMMON, TRK_HEAP_RELEASE)                                                  \
	X(a, FREE_ALIGNED_SIZED, 20, "free_aligned_sized", ADDRESS, END, COMMON, TRK_HEAP_RELEASE)                                  \
	X(a, CFREE, 21, "cfree", ADDRESS, END, COMMON, TRK_HEAP_RELEASE)                                                            \
	/* any range: may cut, split or miss what was mapped */                                                                     \
	X(a, MUNMAP, 22, "munmap", BLOCK, UNMAP, PLAIN, TRK_RELEASES)                                                               \
	X(a, UNTRACK, 23, "untrack", UNTRACK, END, PLAIN, TRK_HEAP_RELEASE)                                                         \
	/* \
	 * The parts of `call`, a realloc, reallocarray or mremap that another thread's events fell between: \
	 * old_address leaves the live set, for now ... \
	 */                                                                                                                        \
	X(a, REALLOC_RELEASE, 24, "realloc_release", RELEASE, RELEASE, NEVER, 0)                                                    \
	/* ... and became address; size is the new one */                                                                           \
	X(a, REALLOC_ACQUIRE, 25, "realloc_acquire", ACQUIRE, ACQUIRE, NEVER, TRK_HAS_STACK)                                        \
	/* ... or came back: the call failed */                                                                                     \
	X(a, REALLOC_WITHDRAW, 26, "realloc_withdraw", WITHDRAW, WITHDRAW, NEVER, TRK_HAS_STACK)                                    \
	X(a, MARK, 27, "mark", LABEL, MARK, PLAIN, TRK_HAS_STACK)                                                                   \
	X(a, REGION_BEGIN, 28, "region_begin", LABEL, NOTHING, PLAIN, TRK_HAS_STACK)                                                \
	X(a, REGION_END, 29, "region_end", LABEL, NOTHING, PLAIN, TRK_HAS_STACK)                                                    \
	/* a new program in the same process: nothing of the old one lives; label: its name */                                      \
	X(a, EXEC, 30, "exec", LABEL, WIPE, NEVER, 0)                                                                               \
	/* events of the thread were lost at this place */                                                                          \
	X(a, GAP, 31, "gap", LOST, LOSE, RARE, 0)                                                                                   \
	/* mmap of pages that nothing can touch: reserved, no heap */                                                               \
	X(a, RESERVE, 32, "mmap", BLOCK, RESERVE, MAPPED, TRK_HAS_STACK | TRK_MAPS)                                                 \
	/* mmap of pages that count as heap when they were touched */                                                               \
	X(a, ARENA, 33, "mmap", BLOCK, MAP, MAPPED, TRK_HAS_STACK | TRK_MAPS)                                                       \
	/* reserved pages become heap, or heap reserved */                                                                          \
	X(a, MPROTECT, 34, "mprotect", ACCESS, PROTECT, MAPPED, TRK_HAS_STACK | TRK_PIECES)                                         \
	X(a, MADVISE, 35, "madvise", ADVICE, ADVISE, MAPPED, TRK_HAS_STACK)                                                         \
	/* pages of arenas that were seen in memory */                                                                              \
	X(a, TOUCHED, 36, "touched", BLOCK, TOUCH, NEVER, 0)                                                                        \
	/* the live blocks of the process are forgotten, and peaks begin anew */                                                    \
	X(a, CLEAR, 37, "clear", BARE, CLEAR, RARE, TRK_HAS_STACK | TRK_ESCAPED | TRK_REQUIRED)                                     \
	/* the memory of the process was looked at here: size is the number of the look */                                          \
	X(a, LOOK, 38, "look", LOOK, NOTHING, NEVER, TRK_ESCAPED)                                                                   \
	/* the thread is about to release the block at address; its next event is that */                                           \
	X(a, RELEASING, 39, "releasing", ADDRESS, NOTHING, RARE, TRK_HAS_STACK | TRK_ESCAPED)                                       \
	/* an allocation that failed (address 0), or whose arguments are unusual */                                                 \
	X(a, REQUEST, 40, "request", REQUEST, NOTHING, RARE, TRK_HAS_STACK | TRK_ESCAPED)                                           \
	/* the block at address holds so many objects of the type that the label names */                                           \
	X(a, ANNOTATE, 41, "annotate", TYPED, NOTHING, RARE, TRK_HAS_STACK | TRK_ESCAPED)                                           \
	/* classes that are tracked, and snapshots of them: size is an enum trk_class_op with its options */                        \
	X(a, CLASS, 42, "class", TYPED, NOTHING, RARE, TRK_HAS_STACK | TRK_ESCAPED)                                                 \
	/* the escape: in memory, an event of a kind that this build does not know, and need not */                                 \
	X(a, UNKNOWN, 63, "unknown", UNKNOWN, NOTHING, NEVER, TRK_HAS_STACK)

#define TRK_KIND_ENUM_(a, id, number, name, form, does, told, flags) TRK_##id = (number),
enum trk_kind {
	TRK_KIND_TABLE(TRK_KIND_ENUM_, )
		TRK_KINDS = 64, /* all are smaller */
};

/* The bits beside a kind's number behind the escape. */
enum trk_escape {
	TRK_ESCAPE_REQUIRED = 1, /* must be understood */
	TRK_ESCAPE_STACK = 2, /* has a stack */
	TRK_ESCAPE_BITS = 2,
};

/* A bit for each kind that has one of the flags `a`. It is a constant, so a test costs a shift. */
#define TRK_KIND_BIT_(a, id, number, name, form, does, told, flags) | (uint64_t)(((flags) & (a)) != 0) << (number)
#define TRK_KINDS_WITH(a) ((uint64_t)0 TRK_KIND_TABLE(TRK_KIND_BIT_, (a)))
/* The same for each kind that is told as `a` says. */
#define TRK_KIND_TOLD_(a, id, number, name, form, does, told, flags) | (uint64_t)(TRK_TOLD_##told == (a)) << (number)
#define TRK_KINDS_TOLD(a) ((uint64_t)0 TRK_KIND_TABLE(TRK_KIND_TOLD_, (a)))

/* The same for each kind that does so. */
#define TRK_KIND_DOES_(a, id, number, name, form, does, told, flags) | (uint64_t)(TRK_DOES_##does == (a)) << (number)
#define TRK_KINDS_DOING(a) ((uint64_t)0 TRK_KIND_TABLE(TRK_KIND_DOES_, (a)))

/* The same for each kind of that form. */
#define TRK_KIND_FORM_(a, id, number, name, form, does, told, flags) | (uint64_t)(TRK_FORM_##form == (a)) << (number)
#define TRK_KINDS_OF(a) ((uint64_t)0 TRK_KIND_TABLE(TRK_KIND_FORM_, (a)))

#define TRK_KIND_ALL_(a, id, number, name, form, does, told, flags) | (uint64_t)((number) < TRK_KINDS) << ((number) % 64)
#define TRK_KINDS_ALL ((uint64_t)0 TRK_KIND_TABLE(TRK_KIND_ALL_, ))

#define TRK_KIND_ONE_(a, id, number, name, form, does, told, flags) +1
_Static_assert((0 TRK_KIND_TABLE(TRK_KIND_ONE_, )) == __builtin_popcountll(TRK_KINDS_ALL),
	       "each kind has a number of its own, below TRK_KINDS");
_Static_assert(TRK_KINDS_TOLD(TRK_TOLD_COMMON) >> 32 == 0 && TRK_KINDS_TOLD(TRK_TOLD_PLAIN) >> 32 == 0,
	       "the wire's head has room for them");

/* Whether the kind is among those. A number that is no kind is not. */
static inline bool trk_kind_among(uint8_t kind, uint64_t kinds)
{
	return kind < TRK_KINDS && (kinds >> kind & 1);
}

static inline bool trk_kind_allocates(uint8_t kind)
{
	return trk_kind_among(kind, TRK_KINDS_WITH(TRK_ALLOCATES));
}

/* Ends a block at its address, or pages. */
static inline bool trk_kind_releases(uint8_t kind)
{
	return trk_kind_among(kind, TRK_KINDS_WITH(TRK_RELEASES));
}

/* A call that gives a block back and gets one. */
static inline bool trk_kind_reallocates(uint8_t kind)
{
	return trk_kind_among(kind, TRK_KINDS_WITH(TRK_REALLOCATES));
}

static inline bool trk_kind_has_stack(uint8_t kind)
{
	return trk_kind_among(kind, TRK_KINDS_WITH(TRK_HAS_STACK));
}

/* Its blocks are fragments of mappings. */
static inline bool trk_kind_is_piece(uint8_t kind)
{
	return trk_kind_among(kind, TRK_KINDS_WITH(TRK_PIECES));
}

/* One of the parts of a call that was cut in two. */
static inline bool trk_kind_is_part(uint8_t kind)
{
	return trk_kind_among(kind, TRK_KINDS_DOING(TRK_DOES_RELEASE) | TRK_KINDS_DOING(TRK_DOES_ACQUIRE) |
					    TRK_KINDS_DOING(TRK_DOES_WITHDRAW));
}

/* The kind of its blocks in sums: what it allocates is a mapping. */
static inline uint8_t trk_kind_of_blocks(uint8_t kind)
{
	return trk_kind_among(kind, TRK_KINDS_WITH(TRK_MAPS)) ? (uint8_t)TRK_MMAP : kind;
}

/* Afterwards no block of the process is live, and none of them was freed. */
static inline bool trk_kind_wipes(uint8_t kind)
{
	return trk_kind_among(kind, TRK_KINDS_DOING(TRK_DOES_WIPE) | TRK_KINDS_DOING(TRK_DOES_CLEAR));
}

/* The rest of the table, for callers that need not be fast. */
struct trk_kind_row {
	const char *name; /* NULL: no kind */
	uint16_t flags; /* enum trk_kind_flag */
	uint8_t form, does, told;
};
extern const struct trk_kind_row trk_kinds[TRK_KINDS];

/* Name as printed by reports: "malloc", "new" (new[] too), "munmap". "unknown" for a value that is none. */
const char *trk_kind_name(uint8_t kind);

#endif
