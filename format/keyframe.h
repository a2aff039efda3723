/*
 * keyframe - the live set at one place of a capture <-> payloads of KEYFRAME blocks
 * (docs/FORMAT.md). Neither side knows of files; the coder may allocate, the decoder does not.
 */
#ifndef TRK_KEYFRAME_H
#define TRK_KEYFRAME_H

#include "format/bytes.h"
#include "format/trk.h"

#define KEYFRAME_COLUMNS 8u
#define KEYFRAME_PART_BYTES (512u << 10) /* a payload is written when it reaches this */

/* Of the whole tree; the same in all parts of one keyframe. */
struct keyframe_head {
	uint64_t events, marks; /* how many stand before it in the file */
	uint32_t part; /* from 0 */
	bool last; /* there are no more parts */
};

/* A process that has not ended. */
struct keyframe_process {
	uint64_t events, marks; /* of this process, before the keyframe */
	uint32_t index;
};

/*
 * A live block, or a fragment of a mapping. Blocks come before fragments, and reserved fragments last; the addresses
 * of each of the three ascend.
 */
struct keyframe_block {
	uint64_t address, size, time_ns;
	uint64_t end; /* fragments: first byte after the last page; blocks: 0 */
	uint64_t asked; /* fragments: bytes of the mapping when it was made */
	uint32_t back; /* fragments: the mapping is that of the fragment so many before this one; 0: this is its first */
	uint32_t thread, node, domain;
	uint32_t aside_thread; /* the thread that holds the block in a realloc in two parts, if `aside` */
	uint8_t kind;
	bool aside;
	bool reserved, arena, untouched; /* fragments: of a reservation; of an arena; of an arena, and not touched */
};

/* ---- writing ---- */

struct keyframe_coder;

struct keyframe_coder *keyframe_coder_new(void); /* NULL: no memory */
void keyframe_coder_free(struct keyframe_coder *c); /* NULL-safe */

/* Begins a part. The process that is being written goes on. */
void keyframe_begin(struct keyframe_coder *c, const struct keyframe_head *h);
/* The next blocks are of this process. Indexes ascend. */
void keyframe_process(struct keyframe_coder *c, const struct keyframe_process *p);
void keyframe_block(struct keyframe_coder *c, const struct keyframe_block *b);
/* Whether the part must end: it has reached KEYFRAME_PART_BYTES. */
bool keyframe_full(const struct keyframe_coder *c);
/* The payload of the part, and how many blocks it holds. Valid until the next call. NULL: there is no memory. */
const uint8_t *keyframe_end(struct keyframe_coder *c, bool last, uint32_t *ret_bytes,
			    uint32_t *ret_items);

/* ---- reading ---- */

struct keyframe_decoder {
	struct keyframe_head head;
	struct keyframe_process process; /* of the last block, or the last process begun */
	struct byte_reader columns[KEYFRAME_COLUMNS];
	uint64_t blocks_left; /* of the process, in this part */
	uint64_t address, time_ns;
	uint32_t thread, node;
	bool has_process;
};

/* What keyframe_next met. */
enum keyframe_item { KEYFRAME_PROCESS = 0,
		     KEYFRAME_BLOCK = 2 };

/* The payload must outlive the decoder. Fills d->head. TRK_ERR_CORRUPT. */
int keyframe_open(struct keyframe_decoder *d, const uint8_t *raw, size_t bytes);
/*
 * KEYFRAME_PROCESS: d->process is set (the first process of a part may be the one with which the previous part
 * ended). KEYFRAME_BLOCK: one of its blocks. TRK_END (1); TRK_ERR_CORRUPT. A block is sound in itself: its kind is
 * one that blocks have, and a fragment has pages. Ids are not checked.
 */
int keyframe_next(struct keyframe_decoder *d, struct keyframe_block *ret);

#endif
