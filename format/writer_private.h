/*
 * writer_private - what the parts of the writer share: writer.c (blocks, events, the file), writer_more.c (further
 * files), and writer_tables.c, writer_keyframe.c, writer_look.c, writer_memory.c, writer_sums.c (everything that is not an event).
 */
#ifndef TRK_WRITER_PRIVATE_H
#define TRK_WRITER_PRIVATE_H

#include "format/bytes.h"
#include "format/intern.h"
#include "format/keyframe.h"
#include "format/look_parts.h"
#include "format/memory_parts.h"
#include "format/predict.h"
#include "format/writer.h"

#define BLOCK_BYTES (256u << 10) /* larger ones compress no better and cost a reader memory */
#define STRING_MAX (64u << 10)
#define RECORD_MAX (8 * STRING_MAX + 32 * TRK_VARINT_MAX)
#define INDEX_ENTRY_MAX (6u * TRK_VARINT_MAX)
#define TYPES (TRK_BLOCK_MEMORY + 1)

struct payload {
	uint8_t *bytes;
	size_t size, room;
	uint32_t items;
	uint64_t first_time_ns, last_time_ns;
	uint64_t last_offset; /* FRAMES: of the entry before; MARKS: its time */
	uint32_t last_node, last_process; /* SUMS, SIZES: of the item before */
	uint64_t last_size; /* SIZES: likewise */
};

/* Events of one process on their way into a block. */
struct events {
	struct events *next;
	uint32_t process, count;
	struct predict_coder *coder; /* NULL: there were too few for one of their own */
	bool open; /* the coder holds some */
	uint64_t first_time_ns;
	struct trk_event batch[PREDICT_BATCH_MAX]; /* not coded yet */
};

struct index_entry {
	uint64_t offset, first_time_ns, last_time_ns;
	uint32_t process, items;
	uint16_t type;
};

_Static_assert(RECORD_MAX >= BLOCK_BYTES + INDEX_ENTRY_MAX, "write_index uses a record's room");

struct writer {
	int fd, error;
	enum trk_packing packing;
	uint64_t bytes, items; /* of the file so far; items: of blocks that count */
	uint8_t *block; /* room for the largest one */
	struct payload tables[TYPES], record;

	struct events **events; /* by process; NULL: nothing pending */
	uint32_t events_room;
	struct events *pending; /* the same ones, in a list */
	struct predict_coder *coder; /* for those that have none */

	struct pool strings, modules;
	uint32_t strings_before; /* ids that an earlier writer gave out */
	uint64_t symbols_limit; /* of the finished file; 0: none */
	bool symbols_left_out;
	struct frame_table frames;
	struct node_table nodes;

	struct keyframe_coder *keyframe; /* made with the first one */
	struct trk_block_header keyframe_header;
	struct keyframe_head keyframe_head;

	struct look_coder *look; /* made with the first one */
	struct trk_block_header look_header;
	struct memory_coder *memory; /* likewise */
	struct trk_block_header memory_header;

	struct index_entry *index;
	size_t index_count, index_room;
};

/* Without a header; NULL: no memory. */
struct writer *writer_alloc(int fd);

/* Remembers the first error; from then on nothing is written. */
void writer_stop(struct writer *w, int error);
/* The writer's state so far: 0, TRK_ERR_NOMEM or TRK_ERR_IO, with errno. */
int writer_result(const struct writer *w);

/* Bytes, and a block as it stands in w->block, of so many bytes, with its entry in the index. */
void writer_write_all(struct writer *w, const uint8_t *p, size_t size);
void writer_write_encoded(struct writer *w, const struct trk_block_header *h, uint64_t bytes);
void writer_index_add(struct writer *w, const struct trk_block_header *h, uint64_t offset);

/* Writes out all pending tables, in an order in which each names only earlier ones. */
void writer_write_tables(struct writer *w);

/* Begins an item of at most n bytes. Tables of ids pass the id, others 0. NULL: an error is set. */
uint8_t *writer_item_begin(struct writer *w, enum trk_block_type type, size_t n, uint32_t id);
void writer_item_end(struct writer *w, enum trk_block_type type, const uint8_t *end);

/*
 * Call it before a block with this many bytes and items: it makes the file long enough for the items, if necessary
 * (docs/FORMAT.md, "Items").
 */
void writer_make_room(struct writer *w, uint64_t items, uint64_t bytes);

/* One block, from `raw` of h->raw_bytes. */
void writer_write_block(struct writer *w, struct trk_block_header *h, const uint8_t *raw);

/*
 * A record's body is built aside, for its length stands before it. begin: makes w->record empty, with room
 * for RECORD_MAX bytes; NULL: an error is set.
 */
uint8_t *writer_record_begin(struct writer *w);
void writer_record_end(struct writer *w, enum trk_block_type type, const uint8_t *end, uint32_t id);

#endif
