/*
 * look_parts - what a look at the memory of a process found <-> payloads of LOOK blocks (docs/FORMAT.md). Neither side knows
 * of files; the coder may allocate, the decoder does not.
 */
#ifndef TRK_LOOK_H
#define TRK_LOOK_H

#include "format/bytes.h"
#include "format/trk.h"

#define LOOK_COLUMNS 6u
#define LOOK_PART_BYTES (512u << 10) /* a payload is written when it reaches this */
#define LOOK_LABEL_BYTES 1024u /* writers cut labels, reasons and names */

enum look_how { LOOK_BY_FORK, /* stopped for the registers, marked in a forked copy */
		LOOK_STOPPED, /* read while it stood still */
		LOOK_BY_ITSELF, /* read while its only thread waited for it, without a stop */
		LOOK_HOWS };

/* The look may have missed something: nothing is called lost for certain. */
#define LOOK_MOVING 1u /* a block was being moved by realloc */
#define LOOK_HELD 2u /* a thread stood still inside a publication: blocks may be missing */
#define LOOK_FORKED 4u /* the process was forked: of what it inherited, all is taken for reachable */
#define LOOK_LEFT_OUT 8u /* some memory could not be read */
/* Nobody asked which blocks can be reached: their verdicts are unknown. */
#define LOOK_UNJUDGED 16u
#define LOOK_REFERENCES_CUT 32u /* there was no room for all references */

enum look_root_kind { LOOK_ROOT_UNKNOWN,
		      LOOK_ROOT_REGISTER, /* tid */
		      LOOK_ROOT_STACK, /* tid; with its thread-local variables */
		      LOOK_ROOT_MODULE, /* name: path. Variables of an executable or library */
		      LOOK_ROOT_MEMORY, /* that no allocator owns */
		      LOOK_ROOT_SHARED, /* name, perhaps */
		      LOOK_ROOT_LOADER, /* the dynamic loader made the block */
		      LOOK_ROOT_INHERITED, /* memory of the heap that a forked process has from its parent */
		      LOOK_ROOT_MOVING, /* a block that was being moved */
		      LOOK_ROOT_KINDS };

struct trk_look_root {
	uint64_t start, end; /* addresses */
	uint32_t kind; /* enum look_root_kind, or a later one */
	uint32_t tid;
	const char *name; /* NULL: "" */
	size_t name_bytes;
};

struct trk_look {
	uint32_t number; /* from 1, in the order in which they are written */
	uint32_t process;
	uint32_t pid, why, how, flags, threads;
	uint64_t time_ns, stopped_ns, took_ns, memory_bytes;
	uint64_t blocks; /* that were judged */
	const char *label, *reason; /* reason: why the memory was not looked at; "" it was. NULL: "" */
	size_t label_bytes, reason_bytes;
	bool graph; /* it has references */
};

#define LOOK_WHY_CLASSES 3u /* trk_look.why: a snapshot of classes (enum shm_why) */
#define LOOK_BASES_MAX 16u /* base classes of a type that are told */
#define LOOK_RUN_MAX 4096u /* references in a run */

/* A class of C++, by its mangled name; the texts do not end with a zero. Of a look with references, the names of its base classes, a newline between. */
struct trk_look_type {
	const char *name, *bases;
	size_t name_bytes, bases_bytes;
};

enum look_parent { LOOK_FROM_NOTHING,
		   LOOK_FROM_BLOCK,
		   LOOK_FROM_ROOT };

/* Of one block; blocks come in the order of their addresses. */
struct trk_look_block {
	uint8_t verdict; /* enum look_verdict */
	uint8_t from; /* enum look_parent */
	uint32_t parent; /* number of the block, from 0; or of the root */
	uint64_t offset; /* of the word in the root, in words */
	uint32_t type; /* by its virtual table: a number of the look's types, from 1; 0: not known */
	uint8_t held; /* enum look_held */
};

/* ---- writing ---- */

struct look_coder;

struct look_coder *look_coder_new(void); /* NULL: no memory */
void look_coder_free(struct look_coder *c); /* NULL-safe */

void look_coder_begin(struct look_coder *c, const struct trk_look *head);
/* The next root; it stands before the blocks that name it. */
void look_coder_root(struct look_coder *c, const struct trk_look_root *r);
/* The next type; it stands before the blocks that name it, too. */
void look_coder_type(struct look_coder *c, const struct trk_look_type *t);
void look_coder_block(struct look_coder *c, const struct trk_look_block *b);
/* A run of references: the blocks to which a block points, at most LOOK_RUN_MAX, by ascending block, behind all blocks. */
void look_coder_run(struct look_coder *c, uint32_t block, const uint32_t *targets, uint32_t count);
bool look_coder_full(const struct look_coder *c);
/* The payload of the part, and how many blocks it holds. Valid until the next call. The next part begins. NULL: there is no memory. */
const uint8_t *look_coder_end(struct look_coder *c, bool last, uint32_t *ret_bytes, uint32_t *ret_items);

/* ---- reading ---- */

struct look_decoder {
	struct trk_look head; /* only of the first part: later ones have its number, and zeros */
	uint32_t part;
	bool last, types; /* types: it has those columns */
	uint64_t first; /* number of the part's first block */
	struct byte_reader columns[LOOK_COLUMNS];
	uint64_t index;
	uint32_t block, left, target; /* of the present run of references */
};

/* The payload must outlive the decoder, which points into it. TRK_ERR_CORRUPT. */
int look_open(struct look_decoder *d, const uint8_t *raw, size_t bytes);
/* 0; TRK_END: there are no more in this part; TRK_ERR_CORRUPT. */
int look_next_root(struct look_decoder *d, struct trk_look_root *ret);
/* The same. */
int look_next_type(struct look_decoder *d, struct trk_look_type *ret);
/* The same. Whether parents and types exist is not checked. */
int look_next_block(struct look_decoder *d, struct trk_look_block *ret);
/* The same: one block points to another one; whether they exist is not checked. */
int look_next_reference(struct look_decoder *d, uint32_t *ret_from, uint32_t *ret_to);

#endif
