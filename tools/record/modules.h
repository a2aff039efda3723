/*
 * modules - what is mapped where in one process, as its targets told us:
 * sorted, disjoint ranges. A new range replaces what it overlaps.
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
	uint32_t generation; /* changes with every change, never the same for two maps: caches key on it */
};

/* Called for ranges that go away. */
typedef void (*modules_gone)(void *data, const struct module_range *r);

/* Adds `r` in place of what it overlaps; telling the same again changes nothing. TRK_ERR_NOMEM; TRK_ERR_CORRUPT: an empty range. */
int modules_add(struct modules *m, const struct module_range *r, modules_gone gone, void *data);

/* The module that return address `pc` lies in, or NULL. */
const struct module_range *modules_find(const struct modules *m, uint64_t pc);

/* The ranges are the same, but what lies outside of them means something else. */
void modules_changed(struct modules *m);

/* Forgets all, telling `gone` (may be NULL) of each. */
void modules_clear(struct modules *m, modules_gone gone, void *data);

#endif
