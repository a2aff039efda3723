/*
 * dump_line - what one line of tracker-dump says: an event, or half of one. How it is written: dump_writer.h.
 */
#ifndef DUMP_LINE_H
#define DUMP_LINE_H

#include <stdbool.h>

#include "format/trk.h"

/* Which fields a kind has. */
enum field {
	HAS_SIZE = 1,
	HAS_OLD = 2,
	HAS_OLD_SIZE = 4,
	HAS_STACK = 8,
	HAS_DOMAIN = 16,
	HAS_LABEL = 32,
	HAS_ADDRESS = 64,
	HAS_LOST = 128,
	HAS_COUNT = 256,
	HAS_ACCESS = 512,
	HAS_ADVICE = 1024,
	HAS_NUMBER = 2048,
	HAS_CALL = 4096,
	HAS_OBJECTS = 8192,
};

struct dump_line {
	const struct trk_event *event;
	unsigned has;
	const char *kind;
	const char *half; /* NULL: it has none */
	uint64_t id; /* of both halves */
	uint64_t address, size;
	bool failed;
};

/* The line of an event that is whole, or of the second half of one. */
struct dump_line dump_line_of(const struct trk_event *e, uint8_t kind, const char *half, uint64_t id);
/* The first half of a `call` that gave back a block and got another one. */
struct dump_line dump_line_of_release(const struct trk_event *e, uint8_t call, uint64_t id);

/* As mprotect and madvise name it. */
const char *dump_access_name(const struct trk_event *e);
const char *dump_advice_name(const struct trk_event *e);

#endif
