/*
 * columnar - how payloads of LOOK and MEMORY blocks (docs/FORMAT.md) are built: numbers, a head, the length of each column, the columns.
 * A column holds numbers, or records with their lengths.
 *
 * A writer that runs out of memory adds nothing more, and columns_payload returns NULL. Readers have the sticky error of byte_reader.
 */
#ifndef TRK_COLUMNAR_H
#define TRK_COLUMNAR_H

#include "format/bytes.h"

#define COLUMNS_MAX 6u

/* ---- writing ---- */

struct column {
	uint8_t *bytes;
	size_t size, room;
};

struct columns {
	struct column list[COLUMNS_MAX], payload;
	bool no_memory;
};

void columns_free(struct columns *c); /* what it holds, not itself */
void columns_empty(struct columns *c);
size_t columns_bytes(const struct columns *c);
/* Room for so many more bytes; columns_reach says how many of them were written. NULL: no memory. */
uint8_t *columns_reserve(struct columns *c, unsigned column, size_t bytes);
void columns_reach(struct columns *c, unsigned column, const uint8_t *end);
void columns_record(struct columns *c, unsigned column, const uint8_t *body, size_t bytes);
/* Takes the columns out; the payload is valid until the next one. The first `count` columns are there. NULL: no memory. */
const uint8_t *columns_payload(struct columns *c, const uint64_t *numbers, unsigned number_count, const uint8_t *head, size_t head_bytes, unsigned count,
			       uint32_t *ret_bytes);
/* A text with its length, cut at `most` bytes. NULL is an empty one. */
uint8_t *put_cut_text(uint8_t *p, const char *text, size_t bytes, size_t most);

/* ---- reading ---- */

/* A number of 32 bits; a larger one is an error. */
uint32_t get_number32(struct byte_reader *r);
/* Fields that the writer did not know are 0, and texts empty. */
uint64_t get_field(struct byte_reader *r);
const char *get_counted_text(struct byte_reader *r, size_t *ret_bytes);
struct byte_reader get_record(struct byte_reader *r);
/* The columns of the set `there` (bits), of `count` that may be there; the others are empty. */
void get_columns(struct byte_reader *r, struct byte_reader *columns, unsigned count, uint32_t there);

#endif
