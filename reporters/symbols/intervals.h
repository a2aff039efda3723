/*
 * intervals - address ranges with a number each, looked up by address.
 *
 * Ranges may nest and overlap: all that contain an address are found, the one
 * that starts last first. Filled, sorted once, then only read.
 */
#ifndef SYMBOLS_INTERVALS_H
#define SYMBOLS_INTERVALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INTERVAL_NONE UINT32_MAX

struct interval {
	uint64_t low, high; /* [low, high) */
	uint32_t value;
	uint32_t outer; /* an earlier one that may contain this one's low; set by sorting */
};

struct intervals {
	struct interval *items;
	uint32_t count, room;
};

/* Empty ranges are left out. False: out of memory or too many. */
bool intervals_add(struct intervals *t, uint64_t low, uint64_t high, uint32_t value);

/* Must be called once, after the last addition and before the first look-up. */
void intervals_sort(struct intervals *t);

/* Index of the innermost range that contains the address, INTERVAL_NONE when there is none. */
uint32_t intervals_find(const struct intervals *t, uint64_t address);
/* The next one outwards that contains it, too. */
uint32_t intervals_next(const struct intervals *t, uint32_t index, uint64_t address);

void intervals_finish(struct intervals *t); /* NULL-safe, zero-safe */

#endif
