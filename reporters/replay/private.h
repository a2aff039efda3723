/*
 * private - what capture.c, tables.c and cursor.c share and nobody else sees.
 */
#ifndef REPLAY_PRIVATE_H
#define REPLAY_PRIVATE_H

#include "format/bytes.h"
#include "replay/capture.h"

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
	TABLE_COUNT,
};

/* A growing array of the capture: where its pointer and its count lie. */
struct table {
	void *field;	 /* address of the pointer, whatever its type */
	uint32_t *count;
	size_t entry;	 /* bytes of one */
	uint64_t capacity;
};

struct text_chunk;

struct capture_private {
	int fd;
	struct table tables[TABLE_COUNT];
	struct text_chunk *text;
	/*
	 * Memory that the file may still make us spend on entries that are not
	 * in it (ids skipped by damaged blocks), and on decoded table bytes.
	 */
	uint64_t gap_bytes_left, raw_bytes_left;
};

/* Reads exactly n bytes at offset; false when they are not there. */
bool capture_read_at(const struct capture *c, uint64_t offset, void *bytes, size_t n);

/* Makes *bytes have room for `want`; false when there is no memory. */
bool capture_room(uint8_t **bytes, size_t *room, size_t want);

/* Remembers the first fault and that the capture is not whole. */
void capture_damaged(struct capture *c, uint64_t offset, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

int tables_init(struct capture *c);
void tables_finish(struct capture *c);

/*
 * Appends the entries of one decoded table block. TRK_ERR_CORRUPT: they contradict the
 * format; those before the fault are kept. TRK_ERR_NOMEM. Other types are ignored.
 */
int tables_decode(struct capture *c, const struct trk_block_header *h, const uint8_t *raw);

/* One more block of events; makes its process known. Errors as tables_decode. */
int tables_add_block(struct capture *c, const struct trk_block_header *h, uint64_t offset);

/* When all blocks were read: ids out of range become 0, missing texts "". */
int tables_settle(struct capture *c);

#endif
