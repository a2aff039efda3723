/*
 * modules - what is mapped where in one process, as its target told: sorted, disjoint ranges. A new range replaces
 * what it overlaps.
 */
#ifndef RECORD_MODULES_H
#define RECORD_MODULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct module_range {
	uint64_t start, end, bias;
	uint64_t load_time_ns;
	uint32_t module; /* id in the capture */
};

struct modules {
	struct module_range *ranges;
	size_t count, room;
	uint32_t generation; /* differs after every change and between any two maps: caches key on it */
};

/* Called for ranges that are removed. */
typedef void (*modules_gone)(void *data, const struct module_range *r);

/*
 * Adds `r` in place of what it overlaps. Telling the same range again changes nothing. TRK_ERR_NOMEM;
 * TRK_ERR_CORRUPT: an empty range.
 */
int modules_add(struct modules *m, const struct module_range *r, modules_gone gone, void *data);

/* The module that return address `pc` lies in, or NULL. */
const struct module_range *modules_find(const struct modules *m, uint64_t pc);

/* The ranges stay the same, but code outside of them has changed. */
void modules_changed(struct modules *m);

/* Forgets all ranges, and calls `gone` (may be NULL) for each. */
void modules_clear(struct modules *m, modules_gone gone, void *data);

#endif
