/*
 * look_read - reads the memory of the copy that a look is made in, in the order of addresses, a large piece at a time. Only what was in
 * memory is read: pages that were never touched are zeros, and stay untouched.
 */
#ifndef RECORD_LOOK_READ_H
#define RECORD_LOOK_READ_H

#include "look_pages.h"

struct look_read {
	uint32_t pid;
	const struct look_pages *pages;
	uint8_t *bytes; /* the piece */
	uint64_t start, end;
	uint64_t total; /* bytes that were read */
};

/* False: there is no memory. */
bool look_read_begin(struct look_read *r, uint32_t pid, const struct look_pages *pages);
void look_read_finish(struct look_read *r); /* zero-safe */

#define LOOK_READ_MOST 4096u
/*
 * Where so many bytes (at most LOOK_READ_MOST) of the memory at `address` can be read until the next call; NULL: they cannot be read. What
 * was not in memory is 0.
 */
const uint8_t *look_read_bytes(struct look_read *r, uint64_t address, size_t bytes);
/* The word there; 0: it cannot be read. */
uint64_t look_read_word(struct look_read *r, uint64_t address);

#endif
