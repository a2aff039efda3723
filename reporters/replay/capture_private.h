/*
 * capture_private - what capture.c, tables.c and cursor.c share and nobody else sees.
 */
#ifndef REPLAY_CAPTURE_PRIVATE_H
#define REPLAY_CAPTURE_PRIVATE_H

#include "format/bytes.h"
#include "replay/capture.h"
#include "replay/files.h"

enum table_id {
	TABLE_MODULES,
	TABLE_FRAMES,
	TABLE_NODES,
	TABLE_SYMBOLS,
	TABLE_STRINGS,
	TABLE_PROCESSES,
	TABLE_THREADS,
	TABLE_MAPPINGS,
	TABLE_RSS,
	TABLE_NOTICES,
	TABLE_HEALTH,
	TABLE_SUMMARY,
	TABLE_BLOCKS,
	TABLE_SUMS,
	TABLE_SUM_ERRORS,
	TABLE_TOTALS,
	TABLE_SIZES,
	TABLE_HISTORIES,
	TABLE_HISTORY_SPANS,
	TABLE_KEYFRAMES,
	TABLE_MARKS,
	TABLE_DOMAINS,
	TABLE_LOOKS,
	TABLE_COUNT,
};

/* A growing array of the capture: where its pointer and its count lie. */
struct table {
	void *field; /* address of the pointer, whatever its type */
	uint32_t *count;
	size_t entry; /* bytes of one */
	uint64_t capacity;
};

struct text_chunk;

struct capture_private {
	struct files files;
	struct table tables[TABLE_COUNT];
	struct text_chunk *text;
	/*
	 * Memory that the file may still make a reader spend on entries that are not in it (ids skipped by damaged
	 * blocks), and on decoded table bytes.
	 */
	uint64_t gap_bytes_left, raw_bytes_left, mark_bytes_left;
	uint64_t items_left; /* of the table block that is decoded */
	uint64_t parts_left; /* of items, which their number does not bound */
	uint64_t keyframe_end; /* where the last part of a keyframe ends, if that was the last block; 0: not */
};

/* Reads exactly n bytes at offset; false when they are not there. */
bool capture_read_at(const struct capture *c, uint64_t offset, void *bytes, size_t n);

/* Makes *bytes have room for `want`; false when there is no memory. */
bool capture_room(uint8_t **bytes, size_t *room, size_t want);

/* Remembers the first fault and that the capture is not whole. */
void capture_damaged(struct capture *c, uint64_t offset, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Remembers that the block at `offset` holds an event of a kind that must be understood, and is not. */
void capture_refuse(struct capture *c, uint64_t offset, uint32_t kind);

/* A keyframe cannot be read. Something is missing only if the capture begins with it: then it counts as a damaged block, once. */
void capture_keyframe_damaged(struct capture *c, struct cap_keyframe *k);

/* Adds one entry at the end of the table, all zero. Its index is the old count. */
int table_append(struct capture *c, enum table_id id);
/* The same for a part of an item. An item may have any number of parts, but a file only as many as it may have items. */
int table_append_part(struct capture *c, enum table_id id);
/* Makes `index` exist; entries between are empty and paid from the budget. */
int table_reach(struct capture *c, enum table_id id, uint64_t index);
/*
 * Whether another item of the block follows. More items than its header says are damage: then there is none, and the
 * reader has failed.
 */
bool table_next_item(struct capture *c, struct byte_reader *r);
/* The body of the next record; fields behind its end read as 0. */
struct byte_reader table_record(struct byte_reader *r);

/* A terminated copy that lives as long as the capture; NULL when there is no memory. */
const char *tables_keep_text(struct capture *c, const void *bytes, size_t n);
/* The `first` of a table block: fills the ids that were skipped before it. */
int table_begin(struct capture *c, enum table_id id, struct byte_reader *r);

/* tables_sums.c: the blocks of aggregated captures. As tables_decode and tables_settle. */
int tables_decode_sums(struct capture *c, const struct trk_block_header *h, struct byte_reader *r);
int tables_decode_totals(struct capture *c, const struct trk_block_header *h, struct byte_reader *r);
int tables_decode_sizes(struct capture *c, const struct trk_block_header *h, struct byte_reader *r);
int tables_decode_history(struct capture *c, const struct trk_block_header *h, struct byte_reader *r);
int tables_settle_sums(struct capture *c);

int tables_init(struct capture *c);
void tables_finish(struct capture *c);

/*
 * Appends the entries of one decoded table block. TRK_ERR_CORRUPT: they contradict the
 * format; those before the fault are kept. TRK_ERR_NOMEM. Other types are ignored.
 */
int tables_decode(struct capture *c, const struct trk_block_header *h, const uint8_t *raw);

/* Whether tables_decode does something with blocks of this type. */
bool tables_know(uint16_t type);

/* Takes one more block of events, and makes its process known. Errors as tables_decode. */
int tables_add_block(struct capture *c, const struct trk_block_header *h, uint64_t offset);

/* Takes one more LOOK or MEMORY block. TRK_ERR_CORRUPT: it is of no process. TRK_ERR_NOMEM. */
int tables_add_look(struct capture *c, const struct trk_block_header *h, uint64_t offset);

/* Takes one more KEYFRAME block. TRK_ERR_CORRUPT: it has no valid place. TRK_ERR_NOMEM. */
int tables_add_keyframe(struct capture *c, const struct trk_block_header *h, uint64_t offset);

/* Called when all blocks were read: ids out of range become 0, missing texts "". */
int tables_settle(struct capture *c);

#endif
