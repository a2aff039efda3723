/*
 * columns - little-endian arrays one after another, each padded to 8 bytes,
 * written as one base64 text of a gzip stream. reporters/page/data.js reads them
 * back by the list that columns_describe writes.
 */
#ifndef FLAME_COLUMNS_H
#define FLAME_COLUMNS_H

#include <stdio.h>

#include "ui/ui.h"

enum column_type { COLUMN_U8,
		   COLUMN_U32,
		   COLUMN_F64 };

#define COLUMNS_MAX 24

struct columns {
	uint8_t *bytes;
	size_t count, room;
	struct column {
		const char *name;
		enum column_type type;
		size_t elements;
	} list[COLUMNS_MAX];
	size_t list_count;
	bool failed; /* there was no memory: nothing more is taken */
};

void columns_begin(struct columns *c, const char *name, enum column_type type);
void columns_u8(struct columns *c, const void *bytes, size_t n);
void columns_u32(struct columns *c, uint32_t value);
void columns_f64(struct columns *c, double value);

/* The list of columns, as a JSON array. */
void columns_describe(const struct columns *c, struct ui_json *j, const char *key);
/* 0, TRK_ERR_NOMEM. Write errors stay in the file. */
int columns_write(const struct columns *c, FILE *f);
void columns_finish(struct columns *c); /* zero-safe */

#endif
